"""What is kept of a run: the record, and the one table of columns everything else derives from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from bench.plan.grid import SCHEMA_VERSION, RunConfig
from bench.results.columns import COLUMNS_BY_NAME, MEASURED, Value

__all__ = ["Curves", "RunRecord", "Status", "ThroughputRecord"]

Status = Literal["ok", "failed", "skipped"]
MAX_REASON = 500

_MEASURED = frozenset(MEASURED)
_EMPTY_ROW: dict[str, Value] = dict.fromkeys(COLUMNS_BY_NAME)


@dataclass(frozen=True, slots=True)
class Curves:
    """Training curves of one run, one value an epoch, each a mean per sample of that epoch.

    ``loss`` is the trained loss; ``squared_error`` is summed over pixels (for a Bernoulli
    likelihood the binary cross-entropy in nats); ``rate_nats`` is None without a KL term.
    """

    loss: tuple[float, ...]
    squared_error: tuple[float, ...]
    rate_nats: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.loss), len(self.squared_error)}
        if self.rate_nats is not None:
            lengths.add(len(self.rate_nats))
        if len(lengths) > 1:
            raise ValueError(f"curves of {sorted(lengths)} epochs; all must have the same length")

    def rows(self) -> list[tuple[int, float, float, float | None]]:
        """Rows of (epoch counted from 1, loss, squared_error, rate_nats)."""
        rates = self.rate_nats or (None,) * len(self.loss)
        epochs = range(1, len(self.loss) + 1)
        return list(zip(epochs, self.loss, self.squared_error, rates, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run: its configuration, how it ended, and what was measured.

    ``values`` holds measured columns only (``columns.MEASURED``); what follows from the
    configuration is added by ``row``. A column that is absent or None does not apply.
    ``reason`` says on one line why a run failed or was skipped; longer text is cut.

    Raises
    ------
    ValueError
        If a value is no measured column or has the wrong type, the status is unknown, or a run
        that is not ok gives no reason.
    """

    config: RunConfig
    status: Status
    reason: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    curves: Curves | None = None

    def __post_init__(self) -> None:
        if self.status not in get_args(Status):
            raise ValueError(f"status {self.status!r}; {', '.join(get_args(Status))} are allowed")
        reason = _one_line(self.reason or "")
        if self.status != "ok" and not reason:
            raise ValueError(f"run {self.run_id} is {self.status} without a reason")
        unknown = sorted(self.values.keys() - _MEASURED)
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no measured column; {', '.join(MEASURED)} are")
        values = {name: COLUMNS_BY_NAME[name].convert(value) for name, value in self.values.items()}
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "reason", reason or None)

    @property
    def run_id(self) -> str:
        """The id of its configuration."""
        return self.config.run_id

    def row(self) -> dict[str, Value]:
        """Every column of the results table, None where it does not apply."""
        config = self.config
        known: dict[str, Value] = {
            "run_id": config.run_id,
            "status": self.status,
            "reason": self.reason,
            "dataset": config.dataset,
            "data_hash": config.data_hash,
            "architecture": config.architecture,
            "hidden": "x".join(map(str, config.hidden)) or None,
            "objective": config.objective,
            "posterior": config.posterior,
            "likelihood": config.likelihood,
            "latent_dim": config.latent_dim,
            "kl_weight": config.kl_weight,
            "recon_weight": config.recon_weight,
            "effective_decoder_variance": config.effective_decoder_variance,
            "device": config.device,
            "dtype": config.dtype,
            "kernel": config.kernel,
            "binarize": config.binarize,
            "learning_rate_milestones": (
                " ".join(map(str, config.learning_rate_milestones)) or None
            ),
            "learning_rate_decay": config.learning_rate_decay,
            "adam_epsilon": config.adam_epsilon,
            "latent_samples": config.latent_samples,
            "kl_schedule": config.kl_schedule,
            "kl_warmup": config.kl_warmup,
            "kl_cycles": config.kl_cycles,
            "free_nats": config.free_nats,
            "capacity_nats": config.capacity_nats,
            "corruption": config.corruption,
            "decoder_decay": config.decoder_decay,
            "seed": config.seed,
            "epochs": config.epochs,
            "batch_size": config.batch_size,
            "learning_rate": config.learning_rate,
            "schema_version": SCHEMA_VERSION,
        }
        return {**_EMPTY_ROW, **known, **self.values}


def _one_line(text: str) -> str:
    """Printable text on one line, cut where it gets long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:MAX_REASON]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughputRecord:
    """One timed repeat of one phase; its fields are the columns of ``throughput.parquet``."""

    objective: str
    latent_dim: int
    device: str
    phase: Literal["train", "encode", "decode"]
    batch_size: int
    repeat: int
    samples_per_s: float
