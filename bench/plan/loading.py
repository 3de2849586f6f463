"""From a TOML file and overrides to a checked specification."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.plan.diagnosis import describe
from bench.plan.errors import SpecError
from bench.plan.keys import nearest
from bench.plan.overrides import apply_overrides
from bench.plan.spec import SweepSpec

__all__ = ["DEFAULT_SPEC", "SWEEPS", "load_spec"]

SWEEPS = Path(__file__).parent.parent / "sweeps"
DEFAULT_SPEC = SWEEPS / "digits.toml"


def load_spec(path: Path | None = None, overrides: Sequence[str] = ()) -> SweepSpec:
    """Read, override and check a specification.

    Parameters
    ----------
    path
        A TOML file; None for the default sweep over the digits.
    overrides
        ``path=value`` strings, as ``--set`` takes them.

    Raises
    ------
    SpecError
        One line: the file or ``--set``, the key's path, the value, and what is allowed.
    """
    path = DEFAULT_SPEC if path is None else path
    table = _read(path)
    overridden = apply_overrides(table, overrides)
    try:
        return SweepSpec.model_validate(table)
    except ValidationError as error:
        raise SpecError(describe(error, str(path), overridden)) from None


def _instead(path: Path) -> str:
    """What to give in place of a file that is not there: one of its name, if any."""
    shipped = {sweep.stem: str(sweep) for sweep in sorted(SWEEPS.glob("*.toml"))}
    meant = nearest(path.stem, shipped)
    if meant is not None:
        return f"did you mean {shipped[meant]}?"
    return f"a TOML file is needed, such as {', '.join(shipped.values())}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpecError(f"{path}: no such file; {_instead(path)}") from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{path}: not UTF-8 text (byte {error.start}); TOML is needed") from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{path}: not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise SpecError(f"{path}: not TOML that can be read: a value is too long or deep") from None
