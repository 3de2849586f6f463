"""What a command does with errors: one line and an exit code for what was foreseen."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

__all__ = ["one_line_errors"]


@contextmanager
def one_line_errors() -> Iterator[None]:
    """A foreseen error becomes one line and exit code 2; any other is a bug and shows its trace."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        what = error.strerror or str(error)
        _refuse(f"{where}{what[:1].lower()}{what[1:]}")  # the rest may be a path
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception as error:
        if not isinstance(error, _foreseen()):
            raise
        _refuse(str(error))


def _refuse(message: str) -> None:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    raise typer.Exit(2)


def _foreseen() -> tuple[type[Exception], ...]:
    """Errors that say by themselves what was wrong with the request.

    Those of packages that import torch are asked for only if the command came so far.
    """
    from bench.gates.errors import GateError
    from bench.plan.errors import SpecError
    from bench.results.errors import ExportError, StoreError, SweepDirectoryError

    errors: list[type[Exception]] = [
        ExportError,
        GateError,
        SpecError,
        StoreError,
        SweepDirectoryError,
    ]
    if "bench.executors" in sys.modules:
        from bench.executors import ExecutorError

        errors.append(ExecutorError)
    if "vae_core" in sys.modules:
        from kernels import BackendError
        from vae_core import ArchitectureError, CheckpointError, DataError, StackingError

        errors += [ArchitectureError, BackendError, CheckpointError, DataError, StackingError]
    if "reports.sweep" in sys.modules:
        from reports.sweep import SweepError

        errors.append(SweepError)
    return tuple(errors)
