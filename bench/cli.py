"""The command line: arguments in, one line out for every foreseen error, exit codes.

0: every run is ok or was skipped for a stated reason. 1: a run failed. 2: the request was wrong.
130: interrupted. What a command needs is imported when it runs, so ``--help`` answers at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bench import directory_commands, speed_commands
from bench.arguments import Directory, Overrides
from bench.comparison import compare
from bench.console import console_for
from bench.formats import Formats, vector_formats
from bench.gates.command import gate
from bench.request_errors import one_line_errors
from bench.wording import command_line, datasets_text, plan_text, program, status_text

__all__ = ["app", "main"]

SCRIPT = "vaebench"
"""What the installed program is called."""

HELP = """Benchmarks and ablations for autoencoders and variational autoencoders.

\b
Examples:
  python -m bench run                              the default sweep, and its report
  python -m bench run sweep.toml --dry-run         what a sweep of yours would do
  python -m bench status runs/digits               how far it is
  python -m bench compare runs/before runs/after   what changed
  python -m bench run --help                       every option of a command
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    # A shell completes what a program's name begins, not `python -m bench`.
    add_completion=program() == SCRIPT,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of ``vaebench`` and ``python -m bench``.

    A network of one's own is imported from the working directory, which an installed script, unlike
    ``python -m``, does not search by itself.
    """
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    app(prog_name=program())


@app.command()
def run(
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="SPEC.toml", help="The sweep; without it, the default one."),
    ] = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The sweep directory.  [default: runs/<name>]"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, and stop.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try runs again that failed before.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes that train on the CPU, or that measure what a GPU trained.  "
            "[default: one a core]",
        ),
    ] = None,
    executor: Annotated[
        str,
        typer.Option(metavar="auto|local|pool|ray", help="Where cohorts of runs are trained."),
    ] = "auto",
    address: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A running Ray cluster.  [default: one is started]"),
    ] = None,
    cohort_seconds: Annotated[
        float | None,
        typer.Option(
            min=1, metavar="S", help="End a cohort that takes longer; its runs have failed."
        ),
    ] = None,
    no_report: Annotated[
        bool, typer.Option("--no-report", help="Measure only; draw no report.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Draw the report again as cohorts finish.")
    ] = False,
    formats: Formats = "",
) -> None:
    """Run a sweep and write its report.

    What the sweep directory already holds is not computed again, so the same command goes on
    where an interrupted one stopped. Ctrl-C lets the cohorts in flight finish; twice stops at once.

    \b
    Examples:
      python -m bench run
      python -m bench run sweep.toml --dry-run
      python -m bench run sweep.toml --set sweep.kl_weight='[0.5, 1]' --out runs/strong
      python -m bench run bench/sweeps/mnist.toml --set data.root=/data/mnist
    """  # noqa: D301 - a backspace tells typer to keep the lines that follow
    with one_line_errors():
        from bench.plan import load_spec

        resolved = load_spec(spec, overrides or ())
        from bench.executors import ExecutorRequest, connected

        executors = ExecutorRequest(
            name=executor, workers=workers, address=address, cohort_seconds=cohort_seconds
        )
        if dry_run:
            from bench.pipeline import plan_sweep

            with connected(executors):
                typer.echo(plan_text(plan_sweep(resolved, executors=executors)))
            return
        from bench.pipeline import run_sweep

        directory = out or Path("runs", resolved.name)
        console = console_for(sys.stdout)
        try:
            outcome = run_sweep(
                resolved,
                directory,
                console=console,
                command=command_line(),
                executors=executors,
                retry_failed=retry_failed,
                report=not no_report,
                live=live,
                formats=vector_formats(formats),
            )
        except KeyboardInterrupt:
            console.close()
            typer.echo(
                f"interrupted; what finished is kept in {directory}, "
                f"the same command goes on: {command_line()}",
                err=True,
            )
            raise typer.Exit(130) from None
        finally:
            console.close()
        raise typer.Exit(outcome.exit_code)


@app.command()
def report(directory: Directory, formats: Formats = "") -> None:
    """Draw the report of a directory again: of a sweep, of measured speed, or of both.

    \b
    Example:
      python -m bench report runs/digits
    """  # noqa: D301
    with one_line_errors():
        import reports
        from bench.results import Store
        from bench.results.directory import STORE
        from bench.results.exports import export

        wanted = vector_formats(formats)
        if (directory / STORE).exists():  # newer than the tables if the sweep was cut short
            with Store(directory / STORE, read_only=True) as store:
                export(store, directory)
        typer.echo(f"report: {reports.build(directory, formats=wanted)}")


app.command()(compare)


app.command()(directory_commands.merge)
app.command()(directory_commands.export)
app.command()(directory_commands.repair)


@app.command()
def status(directory: Directory) -> None:
    """Say how far a sweep is, what failed and why.

    \b
    Example:
      python -m bench status runs/digits
    """  # noqa: D301
    with one_line_errors():
        from bench.results.status import read_status

        typer.echo(status_text(read_status(directory)))


app.command()(speed_commands.throughput)
app.command()(speed_commands.kernels)


@app.command()
def datasets() -> None:
    """List the data sets and where to get them.

    \b
    Examples:
      python -m bench datasets
      python -m bench run bench/sweeps/mnist.toml --set data.root=/data/mnist
    """  # noqa: D301
    with one_line_errors():
        from vae_core.data import describe

        typer.echo(datasets_text(describe()))


app.command()(gate)
