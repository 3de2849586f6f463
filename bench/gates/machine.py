"""Which machines may be compared: those of one class.

Ratios within a process cancel a machine's speed, but not which instructions its libraries choose.
"""

from __future__ import annotations

import platform
from pathlib import Path

__all__ = ["machine_class"]

_VENDORS = {"AuthenticAMD": "amd", "GenuineIntel": "intel"}


def machine_class() -> str:
    """The class of this machine, such as ``linux-x86_64-amd-avx2`` or ``…-sm90`` with a GPU."""
    import torch

    parts = [
        platform.system(),
        platform.machine(),
        _vendor(),
        torch.backends.cpu.get_cpu_capability(),
    ]
    if torch.cuda.is_available():
        parts.append("sm{}{}".format(*torch.cuda.get_device_capability(0)))
    return "-".join(part.lower().replace(" ", "_") for part in parts if part)


def _vendor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("vendor_id"):
                name = line.partition(":")[2].strip()
                return _VENDORS.get(name, name)
    return ""
