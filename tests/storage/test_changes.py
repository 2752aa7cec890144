"""Changes that waited in parts come to the same as if they had not, so that a retry writes what was to be written."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from netkit.services.chat.records import Ban, Forgotten, Reserved, Said, Topic, Unban
from netkit.storage.changes import Changes, weigh

rooms = st.sampled_from(("#a", "#b"))
numbers = st.integers(0, 100)
texts = st.sampled_from(("", "tea", "coffee"))
records = st.one_of(
    st.builds(Said, rooms, numbers, st.just("ann"), texts),
    st.builds(Topic, rooms, texts),
    st.builds(Reserved, rooms, numbers),
    st.builds(Forgotten, rooms),
    st.builds(Ban, st.just("@bob"), texts, texts, st.none()),
    st.builds(Unban, st.just("@bob")),
)


def gathered(part: list[object], start: int = 0) -> Changes:
    """What records come to. Each is put a second after the one before."""
    changes = Changes()
    weight = 0
    for now, record in enumerate(part, start):
        if isinstance(record, Said):
            changes.say(record, now, weigh(record))
            weight += weigh(record)
        else:
            weight -= changes.add(record, now)
    assert changes.weight == weight
    return changes


@settings(max_examples=60, deadline=None)
@given(st.lists(records, max_size=12), st.lists(records, max_size=12))
def test_parts_add_up(first: list[object], second: list[object]) -> None:
    changes = gathered(first)
    changes.extend(gathered(second, len(first)))
    assert changes == gathered([*first, *second])
