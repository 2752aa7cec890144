"""What programs send: JSON objects, read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netkit.services.chat.objects import Object, read
from netkit.services.chat.refusal import Refusal
from netkit.wire.text import clean

USAGE = 'send {"text": "hello"} or {"command": "/who"}'

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["text", "command", "action", "x"]), inner),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ('{"text": "hello"}', Object(text="hello")),
        ('{"text": "/quit"}', Object(text="/quit")),
        ('{"text": "    y()  "}', Object(text="    y()")),
        ('{"text": "one\\ntwo\\r\\nthree"}', Object(text="one two three")),
        ('{"text": "a\\u001b[2Jb\\u202e\\ud800"}', Object(text="a[2Jb")),
        ('{"text": "waves", "action": true}', Object(text="waves", action=True)),
        ('{"text": "waves", "action": 1}', Object(text="waves")),
        ('{"text": "hi", "command": "", "more": [1]}', Object(text="hi")),
        ('{"command": "/join #tea"}', Object(command="/join #tea")),
        ('{"command": " /topic a\\nb "}', Object(command="/topic a b")),
    ],
)
def test_what_is_asked_for(line: str, asked: Object) -> None:
    assert read(line) == asked


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "that is not JSON"),
        ("{} {}", "that is not JSON"),
        ('{"text": "hi"', "that is not JSON"),
        ('{"a":' * 100_000, "that is not JSON"),
        ('{"text": ' + "9" * 5000 + "}", "that is not JSON"),
        ("{}", "one of text and command must be there, as a string"),
        ('{"text": 7}', "one of text and command must be there, as a string"),
        ('{"text": "hi", "command": ["/who"]}', "one of text and command must be there, as a string"),
        ('{"text": "hi", "command": "/who"}', "one of text and command must be there, as a string"),
        ('{"command": "who"}', "a command starts with a slash"),
        ('{"text": " \\n\\u200b"}', "there is nothing to be seen in it"),
        ('{"command": "\\u0000"}', "there is nothing to be seen in it"),
    ],
)
def test_what_asks_for_nothing(line: str, said: str) -> None:
    with pytest.raises(Refusal) as caught:
        read(line)
    assert str(caught.value) == f"{said}: {USAGE}"


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["text", "command", "action", "x"]), anything) | st.text().map(lambda x: {x: x}))
def test_whatever_is_in_it_comes_out_clean_or_is_refused(found: dict[str, object]) -> None:
    try:
        asked = read(json.dumps(found))
    except Refusal:
        return
    assert bool(asked.text) != bool(asked.command)
    for text in (asked.text, asked.command):
        assert text == clean(text).rstrip()
        assert len(text.splitlines()) <= 1
