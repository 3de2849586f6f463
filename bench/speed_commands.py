"""Commands that measure speed: of models, and of the fused kernel."""

from pathlib import Path
from typing import Annotated

import typer

from bench.arguments import Overrides
from bench.request_errors import one_line_errors
from bench.wording import command_line

__all__ = ["kernels", "throughput"]


def throughput(
    spec: Annotated[
        Path | None,
        typer.Argument(metavar="SPEC.toml", help="What is timed; without it, the default sweep."),
    ] = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results go.  [default: runs/<name>-throughput]"),
    ] = None,
    engines: Annotated[
        list[str] | None,
        typer.Option(
            "--engine",
            metavar="ENGINE",
            help="eager, compiled or fused; may be repeated.  [default: eager and fused]",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=2, help="Timed repeats of every case.")] = 7,
    no_memory: Annotated[
        bool, typer.Option("--no-memory", help="Leave out peak memory, a process a cohort size.")
    ] = False,
) -> None:
    """Measure how fast models train, encode, decode and sample, alone and stacked.

    A report of it is drawn; with a sweep directory for --out, the sweep's own report shows it.

    \b
    Examples:
      python -m bench throughput
      python -m bench throughput --out runs/digits
      python -m bench throughput --engine eager --engine compiled --out runs/compiled
      python -m bench throughput sweep.toml --set sweep.latent_dim='[2, 8, 32]' --no-memory
    """  # noqa: D301
    with one_line_errors():
        import reports
        from bench.measure.throughput_report import run_throughput
        from bench.plan import load_spec

        resolved = load_spec(spec, overrides or ())
        directory = out or Path("runs", f"{resolved.name}-throughput")
        text = run_throughput(
            resolved,
            directory,
            engines=engines or ("eager", "fused"),
            repeats=repeats,
            memory=not no_memory,
            command=command_line(),
            say=lambda line: typer.echo(line, err=True),
        )
        typer.echo(f"{text}\n")
        typer.echo(f"report: {reports.build(directory)}")


def kernels(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the tables go.  [default: runs/kernels]")
    ] = Path("runs", "kernels"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer sizes and repeats.")] = False,
) -> None:
    """Time the fused kernel against its baselines and the memory limit.

    Without an NVIDIA GPU nothing is timed: the kernels are compiled ahead of time, their machine
    code is held against its budgets, and their results against float64. A report of it is drawn;
    with a sweep directory for --out, the sweep's own report shows it.

    \b
    Examples:
      python -m bench kernels
      python -m bench kernels --out runs/digits
    """  # noqa: D301
    with one_line_errors():
        import reports
        from bench.measure import kernel_benchmark as benchmark

        code = benchmark.run(
            out,
            sizes=benchmark.QUICK_SIZES if quick else benchmark.SIZES,
            repeats=benchmark.QUICK_REPEATS if quick else benchmark.REPEATS,
            command=command_line(),
            say=typer.echo,
        )
        typer.echo(f"report: {reports.build(out)}")
        raise typer.Exit(code)
