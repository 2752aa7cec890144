"""``netkit report``."""

from __future__ import annotations

from pathlib import Path

import click

#: Stands for standard output.
STDOUT = Path("-")


@click.command("report", context_settings={"max_content_width": 110})
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=STDOUT,
    show_default=True,
    metavar="FILE",
    help="Where to, and in which form: .html, .md, .png or .svg at its end. - for Markdown on standard output.",
)
def command(result: Path, output: Path) -> None:
    """Show what `netkit bench --json RESULT` measured: a page of charts, a picture, or Markdown.

    The page is one file, and needs no network. Pages and pictures need the extra: pip install 'netkit[bench]'.
    """
    from ..bench import report, results, summary

    if output != STDOUT:
        report.form(output)  # a wrong ending is better found before all is computed than after it
    found = results.load(result)
    summaries = summary.summarise(found)
    if output == STDOUT:
        from ..bench.report import markdown

        click.echo(markdown.text(found, summaries), nl=False)
        return
    report.write(found, summaries, output)
