"""From a specification to the runs to do: checked models, the grid, cohorts.

Planning knows names and numbers only. It imports no torch and reads no data; what data and
machine add (a content hash, devices that are not there) is handed in.
"""

from bench.plan.choices import (
    ARCHITECTURES,
    BINARIZE,
    DATASETS,
    DEVICES,
    DTYPES,
    ENGINES,
    KERNELS,
    KL_SCHEDULES,
    LIKELIHOODS,
    OBJECTIVE_FACTS,
    OBJECTIVES,
    POSTERIORS,
    ObjectiveFacts,
)
from bench.plan.cohorts import MAX_COHORT_SIZE, Cohort, Plan, group
from bench.plan.errors import SpecError
from bench.plan.grid import SCHEMA_VERSION, RunConfig, expand
from bench.plan.loading import DEFAULT_SPEC, load_spec
from bench.plan.spec import (
    DataSpec,
    MetricsSpec,
    ModelSpec,
    SweepAxes,
    SweepSpec,
    TrainingSpec,
    check_against_data,
)

__all__ = [
    "ARCHITECTURES",
    "BINARIZE",
    "DATASETS",
    "DEFAULT_SPEC",
    "DEVICES",
    "DTYPES",
    "ENGINES",
    "KERNELS",
    "KL_SCHEDULES",
    "LIKELIHOODS",
    "MAX_COHORT_SIZE",
    "OBJECTIVES",
    "OBJECTIVE_FACTS",
    "POSTERIORS",
    "SCHEMA_VERSION",
    "Cohort",
    "DataSpec",
    "MetricsSpec",
    "ModelSpec",
    "ObjectiveFacts",
    "Plan",
    "RunConfig",
    "SpecError",
    "SweepAxes",
    "SweepSpec",
    "TrainingSpec",
    "check_against_data",
    "expand",
    "group",
    "load_spec",
]
