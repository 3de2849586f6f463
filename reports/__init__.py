"""Draw a sweep: from a sweep directory to figures, tables, a verdict and one HTML page.

Knows the files of a sweep directory and nothing else: no training, no torch.
"""

from reports.build import build
from reports.sweep import SweepError

__all__ = ["SweepError", "build"]
