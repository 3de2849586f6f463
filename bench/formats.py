"""The option ``--formats``: which vector files are drawn beside every figure's PNG."""

from typing import Annotated

import typer

__all__ = ["Formats", "vector_formats"]

Formats = Annotated[
    str,
    typer.Option(
        metavar="svg,pdf", help="Draw every figure as vector graphics too, fonts as text."
    ),
]


def vector_formats(text: str) -> tuple[str, ...]:
    """Formats of a comma-separated list, each once.

    Raises
    ------
    SpecError
        If one of them cannot be drawn.
    """
    import reports
    from bench.plan.errors import SpecError

    names = tuple(dict.fromkeys(filter(None, (part.strip().lower() for part in text.split(",")))))
    unknown = [name for name in names if name not in reports.VECTOR_FORMATS]
    if unknown:
        raise SpecError(
            f"--formats: {unknown[0]!r} is unknown; allowed: {', '.join(reports.VECTOR_FORMATS)} "
            "(PNG is always drawn)"
        )
    return names
