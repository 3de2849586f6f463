"""Where numbers come from: program, versions and machine, flat, for ``environment.json``."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import bench

__all__ = ["collect_environment"]

_PACKAGES = ("torch", "triton", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow")


def collect_environment(
    *, command: str, started_at: datetime, wall_seconds: float | None
) -> dict[str, str | float | None]:
    """Describe what produced a sweep's numbers; a value that does not exist is None.

    Parameters
    ----------
    command
        The command line, as one would type it again.
    started_at
        When it began, with a time zone; written in UTC.
    wall_seconds
        How long it took; None of what has not ended.
    """
    import torch

    cuda = torch.cuda.is_available()
    return {
        "vaebench_version": bench.__version__,
        "commit": commit(),
        "command": command,
        "started_at": started_at.astimezone(UTC).isoformat(timespec="seconds"),
        "wall_seconds": None if wall_seconds is None else round(wall_seconds, 3),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cpu_cores": usable_cores(),
        "threads": torch.get_num_threads(),
        **{name.replace("-", "_"): installed_version(name) for name in _PACKAGES},
        "gpu": torch.cuda.get_device_name(0) if cuda else None,
        "gpu_memory_bytes": torch.cuda.get_device_properties(0).total_memory if cuda else None,
        "cuda": torch.version.cuda if cuda else None,
    }


def commit() -> str | None:
    """The checked-out commit, with ``+dirty`` if a tracked file differs; None outside a checkout.

    Outside means also: installed into an environment that merely lies inside some checkout.
    """
    package = Path(bench.__file__)
    git = shutil.which("git")
    if git is None:
        return None

    def ask(*arguments: str) -> str | None:
        answer = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [git, "-C", str(package.parent), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.stdout.strip() if answer.returncode == 0 else None

    if ask("ls-files", "--error-unmatch", package.name) is None:
        return None
    head = ask("rev-parse", "HEAD")
    changes = ask("status", "--porcelain", "--untracked-files=no")
    if head is None or changes == "":
        return head
    return f"{head}+unknown" if changes is None else f"{head}+dirty"


def cpu_name() -> str:
    """The processor's name, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Number of CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed_version(distribution: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
