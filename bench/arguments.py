"""Arguments that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Directory", "Overrides"]

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="A sweep directory.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Set one key of the specification; may be repeated."
    ),
]
