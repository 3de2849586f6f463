"""The pytest plugin of the gate: the fixture ``vae_gate``, and what it measured as a file.

``python -m bench gate`` runs tests with ``--vae-gate FILE`` and judges what they measured. Without
that option, in an ordinary test session, the same tests run everything once and judge nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from bench.gates.fixture import VaeGate
    from bench.gates.records import Record

OPTION = "--vae-gate"
ONLY = "--vae-gate-only"
RECORDS = pytest.StashKey[list["Record"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options that ``python -m bench gate`` passes."""
    group = parser.getgroup("vaebench gate")
    group.addoption(
        OPTION,
        metavar="FILE",
        type=Path,
        default=None,
        help="measure, and write what tests with the fixture vae_gate found into FILE",
    )
    group.addoption(
        ONLY,
        metavar="NAME",
        action="append",
        default=[],
        help="run only tests whose name in the table begins with NAME; may be repeated",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests that are not asked for, by their name or that of one of their figures."""
    wanted = tuple(config.getoption(ONLY))
    if wanted:
        asked_for = [
            name.startswith(wanted) or any(figure.startswith(f"{name} ") for figure in wanted)
            for name in (name_of(item.nodeid) for item in items)
        ]
        left_out = [item for item, is_asked in zip(items, asked_for, strict=True) if not is_asked]
        items[:] = [item for item, is_asked in zip(items, asked_for, strict=True) if is_asked]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def vae_gate(request: pytest.FixtureRequest, tmp_path: Path) -> VaeGate:
    """Measures a model for the gate: ``time``, ``sweep``, ``seeds``, ``count``, ``closed_form``."""
    from bench.gates.fixture import Measuring, Trying

    name = name_of(request.node.nodeid)
    file = request.config.getoption(OPTION)
    if file is None:
        return Trying(name, request.node.nodeid, tmp_path)
    return Measuring(
        name,
        request.node.nodeid,
        file.parent,
        records=request.config.stash.setdefault(RECORDS, []),
        benchmark=lambda: request.getfixturevalue("benchmark"),
    )


def name_of(node: str) -> str:
    """What the table calls a test: ``tests/perf/test_a.py::test_b[c]`` is ``a/b[c]``."""
    file, _, function = node.partition("::")
    return f"{Path(file).stem.removeprefix('test_')}/{function.removeprefix('test_')}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep why a test gave no figure."""
    report = yield
    kind: Literal["failed", "disabled"] | None = (
        "failed" if report.failed else "disabled" if report.skipped else None
    )
    is_measured = item.config.getoption(OPTION) is not None and _uses_gate(item)
    if kind is not None and is_measured:
        from bench.gates.records import Absent

        absent = Absent(
            name=name_of(item.nodeid), node=item.nodeid, kind=kind, reason=_reason(report, call)
        )
        item.config.stash.setdefault(RECORDS, []).append(absent)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was measured."""
    file = session.config.getoption(OPTION)
    if file is not None:
        from bench.gates.records import write

        write(file, session.config.stash.get(RECORDS, []))


def _uses_gate(item: pytest.Item) -> bool:
    return "vae_gate" in getattr(item, "fixturenames", ())


def _reason(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    """The last words of a failure or a skip, on one line."""
    if isinstance(report.longrepr, tuple):
        text = report.longrepr[2]
    elif call.excinfo is not None:
        text = call.excinfo.exconly()
    else:
        text = str(report.longrepr)
    return " ".join(text.split())[:300]
