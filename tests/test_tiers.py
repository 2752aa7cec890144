"""The nine tiers, each told by one example: run as its reader would run it, and its story compared word for word.

They run with every warning as an error and in development mode, which tells of what was left open or never awaited.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import lacking
from tests.process import environment

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("tier*.py"))
STORIES = Path(__file__).parent / "tiers"

PATIENCE = 30.0  # seconds until an example counts as hanging
AT_ONCE = 3  # examples that run together: more would only wait for a processor
STRICT = ("-X", "dev", "-W", "error")

#: What asyncio says in development mode of a turn of the loop that took long: it tells of the machine.
SLOW = re.compile(r"^Executing .* took \d+\.\d+ seconds\n", re.MULTILINE)

#: The parts of a docstring: what the example shows, who needs the tier, what people get wrong, and what comes above.
PARTS = ["Shows", "For", "Often wrong", "Next"]

#: What older texts say, and code of today must not.
OUTDATED = {
    "coroutine",
    "ensure_future",
    "get_event_loop",
    "get_event_loop_policy",
    "run_until_complete",
    "set_event_loop",
    "set_event_loop_policy",
}

Result = tuple[int, str, str]


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    chosen = request.param
    assert isinstance(chosen, Path)
    return chosen


def run(*arguments: str | Path) -> Result:
    """The exit status, what was printed, and what was complained of."""
    done = subprocess.run(
        [sys.executable, *STRICT, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, SLOW.sub("", done.stderr)


@pytest.fixture(scope="module")
def results() -> Iterator[Mapping[Path, Future[Result]]]:
    """Each of them, run once; one that hangs fails in its own test."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {path: pool.submit(run, path) for path in EXAMPLES}


def story(path: Path) -> str:
    return (STORIES / f"{path.stem}.txt").read_text()


def docstring(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text()), clean=False)
    assert text is not None
    return text


def parts(path: Path) -> list[tuple[str, str]]:
    """The named parts of its docstring. What continues a part is indented."""
    _, _, named = docstring(path).partition("\n\n")
    found = re.findall(r"^(\S[^:\n]*): (.*(?:\n    .*)*)\n", named, re.MULTILINE)
    assert "".join(f"{name}: {text}\n" for name, text in found) == named
    return found


def number(path: Path) -> int:
    return EXAMPLES.index(path) + 1


def test_there_are_nine_of_them() -> None:
    assert [path.stem.partition("_")[0] for path in EXAMPLES] == [f"tier{n}" for n in range(1, 10)]
    assert [path.stem for path in EXAMPLES] == sorted(path.stem for path in STORIES.iterdir())


def test_it_tells_its_story_word_for_word(path: Path, results: Mapping[Path, Future[Result]]) -> None:
    assert results[path].result() == (0, story(path), "")


def test_its_story_is_short(path: Path) -> None:
    assert 5 <= len(story(path).splitlines()) <= 15


@pytest.mark.parametrize("installed", [True, False], ids=["uvloop", "no uvloop"])
def test_the_loop_in_place_of_another_tells_the_same(installed: bool) -> None:
    """The option -S leaves out all that is installed."""
    if installed and find_spec("uvloop") is None:
        lacking("uvloop", "uvloop is not installed")
    (path,) = (path for path in EXAMPLES if path.stem == "tier2_event_loop")
    code = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__'); print('uvloop' in sys.modules)"
    options = () if installed else ("-S",)
    assert run(*options, "-c", code, path) == (0, f"{story(path)}{installed}\n", "")


def test_it_is_short(path: Path) -> None:
    assert 30 <= len(path.read_text().splitlines()) <= 60


def test_it_needs_only_the_standard_library(path: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(node.module or "")
    assert "asyncio" in imported
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_it_uses_nothing_outdated(path: Path) -> None:
    used = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name) | ast.alias(name=name):
                used.add(name)
            case ast.keyword(arg="loop"):
                pytest.fail("a loop is passed on")
    assert not used & OUTDATED


def test_its_docstring_begins_with_its_tier(path: Path) -> None:
    assert re.match(rf"Tier {number(path)}, [a-z ]+: \S.*\.\n\n", docstring(path))


def test_its_docstring_has_its_parts_in_order(path: Path) -> None:
    assert [name for name, _ in parts(path)] == PARTS


def test_its_docstring_leads_to_the_next_tier(path: Path) -> None:
    leads = dict(parts(path))["Next"]
    if path == EXAMPLES[-1]:
        assert leads.startswith("there is no tier above.")
    else:
        above = docstring(EXAMPLES[number(path)])
        title, _, _ = above.partition(":")
        assert leads.lower().startswith(f"{title.lower()}: ")


def test_older_ways_are_told_of_once() -> None:
    """Where the reader of an older text would look."""
    (told,) = (path for path in EXAMPLES if "get_event_loop()" in docstring(path))
    assert all(name in docstring(told) for name in ("run_until_complete", "set_event_loop_policy", "loop="))
