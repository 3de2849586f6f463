"""Draw a sweep: from a sweep directory to figures, tables, a verdict and one HTML page.

Knows the files of a sweep directory and nothing else: no training, no torch.
"""

from reports.build import build, is_current
from reports.comparison import build_comparison
from reports.figures import VECTOR_FORMATS
from reports.sweep import SweepError

__all__ = ["VECTOR_FORMATS", "SweepError", "build", "build_comparison", "is_current"]
