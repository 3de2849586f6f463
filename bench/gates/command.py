"""``python -m bench gate``: arguments in, exit code out."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from bench.request_errors import one_line_errors
from bench.wording import command_line

__all__ = ["gate"]

ROOT = Path(__file__).parents[2]


def gate(
    against: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Compare with another commit in place of the baseline."),
    ] = None,
    update_baseline: Annotated[
        bool,
        typer.Option("--update-baseline", help="Measure, and rewrite this machine's baseline."),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only tests that begin with NAME; may be repeated."),
    ] = None,
    tests: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Tests of your own.  [default: the suite's]"),
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Their baseline.  [default: baseline.json beside them]"),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the table and the measurements go.")
    ] = Path("runs", "gate"),
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Fresh processes that time everything.  [default: 3, 5 for a baseline]",
        ),
    ] = None,
) -> None:
    """Stop a change that makes models worse or the program slower.

    Exit codes: 0 all figures pass, 1 one does not, 2 there is nothing to compare with or the
    request was wrong.

    \b
    Examples:
      python -m bench gate
      python -m bench gate --against main
      python -m bench gate --update-baseline
      python -m bench gate --tests tests/gate --baseline tests/gate/baseline.json
    """  # noqa: D301 - a backspace tells typer to keep the lines that follow
    with one_line_errors():
        from bench.gates.errors import GateError

        if find_spec("pytest_benchmark") is None:
            raise GateError(
                "gate: pytest-benchmark is not installed; "
                "pip install -c constraints.txt -e '.[test]'"
            )
        from bench.gates import gate as flow

        if against is not None and update_baseline:
            raise GateError("--against: is not allowed with --update-baseline")
        root = ROOT if tests is None else Path.cwd()
        of_tests = flow.TESTS if tests is None else _relative(tests, root)
        folder = of_tests if (root / of_tests).is_dir() else of_tests.parent
        beside = flow.BASELINE if tests is None else folder / "baseline.json"
        request = flow.Request(
            root=root,
            tests=of_tests,
            baseline=beside if baseline is None else _relative(baseline, root),
            out=out,
            command=command_line(),
            only=tuple(only or ()),
            processes=processes
            or (flow.PROCESSES_FOR_BASELINE if update_baseline else flow.PROCESSES),
        )
        if update_baseline:
            flow.update_baseline(request, typer.echo)
            return
        raise typer.Exit(0 if flow.run_gate(request, against, typer.echo) else 1)


def _relative(path: Path, root: Path) -> Path:
    """A path of the command line relative to ``root``, absolute where it lies outside."""
    path = path.resolve()
    return path.relative_to(root) if path.is_relative_to(root) else path
