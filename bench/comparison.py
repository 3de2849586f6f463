"""The command ``compare``: two sweep directories in, one page of what changed out."""

from pathlib import Path
from typing import Annotated

import typer

from bench.formats import Formats, vector_formats
from bench.request_errors import one_line_errors

__all__ = ["compare"]


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="A sweep directory.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The one compared with it.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the page goes.  [default: B/compared-with-A]"),
    ] = None,
    formats: Formats = "",
) -> None:
    """Say what changed between two sweeps, by how much, and whether beyond noise.

    Runs are paired by configuration and seed. The two may differ in code, machine or settings, as
    long as they have configurations in common.

    \b
    Example:
      python -m bench compare runs/before runs/after
    """  # noqa: D301
    with one_line_errors():
        import reports

        target = out or second / f"compared-with-{first.resolve().name}"
        page = reports.build_comparison(first, second, target, formats=vector_formats(formats))
        typer.echo(f"comparison: {page}")
