"""Everything one does with a checkout: ``nox -s bench`` sweeps, ``nox -s tests`` checks.

Environments are built from ``constraints.txt``, so that a number measured today can be measured
again.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = ["nox[uv]>=2025.5"]
# ///

import os

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "layers", "docs", "tests"]


def install(session: nox.Session, *extras: str) -> None:
    """Install this checkout, editable, at the versions of the constraints file."""
    if "PIP_FIND_LINKS" in os.environ:  # uv reads its own variable only
        session.env.setdefault("UV_FIND_LINKS", os.environ["PIP_FIND_LINKS"])
    # Every worker of a sweep imports PyTorch: in 4 s from bytecode, in 10 s without.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    target = f"-e.[{','.join(extras)}]" if extras else "-e."
    session.install("-c", "constraints.txt", target)


@nox.session
def bench(session: nox.Session) -> None:
    """Run a sweep and write its report: ``nox -s bench -- [SPEC.toml] [--set …] [--out DIR]``."""
    install(session)
    session.run("python", "-m", "bench", "run", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Draw the report of a sweep again: ``nox -s report -- DIR``."""
    install(session)
    session.run("python", "-m", "bench", "report", *session.posargs)


@nox.session
def gate(session: nox.Session) -> None:
    """Stop a change that makes models worse or the program slower: ``nox -s gate -- [options]``."""
    install(session, "test")
    session.run("python", "-m", "bench", "gate", *session.posargs)


@nox.session
def kernels(session: nox.Session) -> None:
    """Time the fused kernel; without a GPU, audit its machine code: ``nox -s kernels``."""
    install(session)
    session.run("python", "-m", "bench", "kernels", *session.posargs)


@nox.session
def peers(session: nox.Session) -> None:
    """Train the same models in pythae, JAX and plain PyTorch: ``nox -s peers -- [--rounds N]``."""
    install(session)
    pins = ("-c", "constraints.txt", "-c", "bench/peers/constraints.txt")
    session.install(*pins, "pythae", "jax")
    session.run("python", "-m", "bench.peers", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, in parallel: ``nox -s tests -- [pytest arguments]``, such as ``--cov``."""
    install(session, "test")
    # One thread a process: the tests are many and small. One process more than cores, because some
    # tests wait for others: for a browser, for workers that start or are killed.
    session.env.setdefault("OMP_NUM_THREADS", "1")
    processes = str((os.cpu_count() or 1) + 1)
    session.run("python", "-m", "pytest", "-n", processes, "--dist", "worksteal", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documents and the reference into build/docs, without a warning: ``nox -s docs``."""
    session.install("-c", "constraints.txt", "mkdocs", "mkdocstrings[python]", "ruff")
    session.run("python", "docs/pages.py", "build/pages")
    session.run("mkdocs", "build", "--strict", "--quiet", *session.posargs)
    session.log("build/docs/index.html")


@nox.session
def trackers(session: nox.Session) -> None:
    """Read exported sweeps with MLflow and TensorBoard themselves: ``nox -s trackers``."""
    install(session, "test", "mlflow", "tensorboard")
    session.run("python", "-m", "pytest", "tests/bench/results/trackers", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Take the documents' pictures from a drawn report: ``nox -s screenshots -- runs/digits``."""
    install(session, "test")
    session.run("python", "docs/screenshots.py", *session.posargs)


@nox.session
def chaos(session: nox.Session) -> None:
    """Kill drivers and workers, damage stores: ``nox -s chaos -- [--driver-kills N]``."""
    install(session, "ray")
    session.install("-c", "constraints.txt", "hypothesis")
    session.run("python", "-m", "bench.chaos", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, format and spelling, and that no code is dead."""
    session.install("-c", "constraints.txt", "codespell", "ruff", "vulture")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")
    session.run("vulture")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "types", "test")
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Check that imports run one way."""
    install(session, "layers")
    session.run("lint-imports")
