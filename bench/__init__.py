"""vaebench: plan a sweep over autoencoders and variational autoencoders, run it, measure it.

``python -m bench`` is the command line. The stages are ``bench.plan`` (specification, grid,
cohorts), ``bench.executors`` (where cohorts run), ``bench.measure`` (what a trained cohort is
asked), ``bench.metrics`` (the formulas) and ``bench.results`` (what stays on disk);
``bench.pipeline`` joins them.
"""

__version__ = "0.1.0"
