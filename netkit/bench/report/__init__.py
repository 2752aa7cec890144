"""A result for people: a page of charts that needs nothing but a browser, a picture, or Markdown.

========  ====================================================================
write     by the ending of a file's name
tables    figures in rows and columns
about     what is said in words: when, where, by which method
theme     colours, shapes and lines, the same in every chart
latency   percentiles over all rounds
look      what all charts share
charts    how a chart is drawn
figures   which charts a workload has
page      HTML, of one file
picture   PNG and SVG
markdown  for a pull request
========  ====================================================================

Only charts need Altair and vl-convert, so they are imported when a page or a picture is made, and not before.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import BenchError, ResultError
from .. import results
from ..results import Result
from ..summary import Summary

ENDINGS = (".html", ".md", ".png", ".svg")


def write(result: Result, summaries: list[Summary], path: Path) -> None:
    """Write a report whole or not at all, in the form that the ending of its name asks for.

    Args:
        result: what was measured.
        summaries: what can be said of it, see ``summary.summarise``.
        path: the file.

    Raises:
        ResultError: the ending is none of ``ENDINGS``, a histogram of the result is damaged, or it cannot be written.
        BenchError: a package is missing; one line that says which, and how it is installed.
    """
    ending = form(path)
    try:
        made = _made(result, summaries, ending)
    except ModuleNotFoundError as lack:
        raise BenchError(f"a report needs the package {lack.name}: pip install 'netkit[bench]'") from None
    results.save(path, made)


def form(path: Path) -> str:
    """The form that a name asks for, one of ``ENDINGS``.

    Raises:
        ResultError: it ends in none of them.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ResultError(f"cannot tell the form of {path}: give a name that ends in {', '.join(ENDINGS)}")
    return ending


def _made(result: Result, summaries: list[Summary], ending: str) -> bytes:
    # Inside: each needs what the others do not.
    if ending == ".md":
        from . import markdown

        return markdown.text(result, summaries).encode()
    if ending == ".html":
        from . import page

        return page.html(result, summaries).encode()
    from . import picture

    return picture.png(result, summaries) if ending == ".png" else picture.svg(result, summaries).encode()
