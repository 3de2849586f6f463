"""Which runs' pictures the report shows: the best all-round VAE, and the AE of its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.study import records
from reports.verdict import balanced_configuration

if TYPE_CHECKING:
    import pandas as pd

    from reports.study import Study


def showcase(study: Study, latent_dim: int | None = None) -> dict[str, dict[str, Any]]:
    """Pick one run of each kind, the lowest seed; perhaps among one latent dimension only.

    Keys `ae` and `vae`, in that order, where there are such runs. The VAE is the one that ranks
    well for every purpose at once; the AE has its latent dimension where it can.
    """
    vae, ae = study.vae, study.ae
    if latent_dim is not None:
        vae, ae = vae[vae["latent_dim"] == latent_dim], ae[ae["latent_dim"] == latent_dim]
    balanced = balanced_configuration(vae)
    if balanced is not None:
        vae = study.configuration_runs(balanced[0])
    elif (balanced := balanced_configuration(ae)) is not None:
        ae = study.configuration_runs(balanced[0])
    chosen = {}
    if len(vae):
        chosen["vae"] = _first(vae)
        same_size = ae["latent_dim"] == chosen["vae"]["latent_dim"]
        ae = ae[same_size] if same_size.any() else ae
    if len(ae):
        chosen["ae"] = _first(ae)
    return dict(sorted(chosen.items()))


def reference_dim(study: Study) -> int:
    """Latent dimension that findings speak of: the one of the runs shown."""
    shown = showcase(study)
    run = shown["vae"] if "vae" in shown else shown["ae"]
    return int(run["latent_dim"])


def _first(runs: pd.DataFrame) -> dict[str, Any]:
    return records(runs.sort_values(["seed", "latent_dim", "kl_weight"]).head(1))[0]
