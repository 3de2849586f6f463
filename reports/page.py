"""Put everything that a sweep has to say on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from reports import verdict, wording
from reports.html import fill
from reports.pareto import pareto_table
from reports.study import records

if TYPE_CHECKING:
    from reports.drawn import DrawnSection
    from reports.measurements import Measurements
    from reports.runtable import RunTable
    from reports.study import Study
    from reports.verdict import Comparison

MOST_REASONS = 20


def render_page(
    study: Study,
    measured: Measurements,
    comparisons: list[Comparison],
    sections: list[DrawnSection],
    table: RunTable,
    progress: str = "",
) -> bytes:
    """Fill the template."""
    return fill(
        "page.html.j2",
        sweep=study.sweep,
        contender=study.contender,
        has_runs=not study.sweep.runs.empty,
        counts=_counts(study.sweep.runs),
        facts=_facts(study),
        held=study.held,
        verdict_rows=[_verdict_row(comparison) for comparison in comparisons],
        seeds=wording.seeds(
            best.score.n
            for comparison in comparisons
            for best in (comparison.ae, comparison.vae)
            if best is not None
        ),
        sentences=[verdict.sentence(comparison) for comparison in comparisons],
        recommendations=[verdict.recommendation(comparison) for comparison in comparisons],
        all_round=verdict.all_round(study),
        pareto=pareto_table(study),
        reasons=_reasons(study.sweep.runs),
        metric_notes=_metric_notes(study.sweep.runs),
        sections=sections,
        table=table,
        what_ran=_what_ran(study.sweep.runs),
        environments={"": study.sweep.environment} | measured.environments,
        progress=progress,
    )


def _counts(runs: pd.DataFrame) -> dict[str, int]:
    return {status: int((runs["status"] == status).sum()) for status in ("ok", "failed", "skipped")}


def _facts(study: Study) -> list[str]:
    """One line of what was swept."""
    runs = study.runs
    facts = [
        ", ".join(str(value) for value in sorted(set(runs[column])) if value)
        for column in ("dataset", "architecture", "device")
    ]
    if len(runs):
        facts.append(wording.plural(int(runs["seed"].nunique()), "seed"))
        facts.append(wording.plural(len(study.latent_dims), "latent dimension"))
        facts.append(wording.plural(len(study.kl_weights), "KL weight"))
    return [fact for fact in facts if fact]


def _verdict_row(comparison: Comparison) -> dict[str, Any]:
    outcome = {
        "vae": f"{comparison.contender} better",
        "ae": "AE better",
        "tie": "tie",
        "one-seed": "one seed",
        "no-comparison": "not compared",
    }[comparison.outcome]
    return {
        "purpose": comparison.purpose.name,
        "metric": f"{comparison.purpose.metric.label}, {comparison.purpose.metric.hint}",
        "ae": _best(comparison.ae),
        "vae": _best(comparison.vae),
        "difference": wording.signed(comparison.difference) if comparison.difference else None,
        "outcome": outcome,
        "kind": comparison.outcome,
    }


def _best(best: verdict.Best | None) -> dict[str, str] | None:
    if best is None:
        return None
    return {
        "score": wording.interval(best.score),
        "name": best.configuration.name,
        "blind": _blind(best),
    }


def _blind(best: verdict.Best) -> str:
    if not best.chosen_blind.n:
        return ""
    blind = wording.interval(best.chosen_blind)
    if blind == wording.interval(best.score):
        return "the same when chosen on the other seeds"
    return f"chosen on the other seeds: {blind}"


def _reasons(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Why runs were skipped or failed, commonest first."""
    absent = runs[runs["status"] != "ok"]
    counted = absent.groupby(["status", "device", "reason"]).size().rename("count").reset_index()
    rows = records(counted.sort_values("count", ascending=False, kind="stable"))
    if len(rows) > MOST_REASONS:
        rest = sum(row["count"] for row in rows[MOST_REASONS:])
        rows = rows[:MOST_REASONS]
        rows.append({"status": "others", "device": "", "reason": "see the table", "count": rest})
    return rows


def _metric_notes(runs: pd.DataFrame) -> list[str]:
    """Say which metrics are missing from runs that are ok, commonest first."""
    noted = runs.loc[(runs["status"] == "ok") & (runs["metric_notes"] != ""), "metric_notes"]
    counted = noted.value_counts().head(MOST_REASONS)
    return [f"{wording.plural(int(n), 'run')}: {note}" for note, n in counted.items()]


def _what_ran(runs: pd.DataFrame) -> list[str]:
    """Which kernel, device, dtype and executor the ok runs really used."""
    axes = ["device", "dtype", "kernel_backend", "executor"]
    counted = runs[runs["status"] == "ok"].groupby(axes).size()
    sentences = []
    for row in records(counted.rename("count").reset_index()):
        said = [f"{wording.plural(row['count'], 'run')} on {row['device'] or 'an unnamed device'}"]
        said += [row["dtype"]] if row["dtype"] else []
        said += [f"kernel {row['kernel_backend']}"] if row["kernel_backend"] else []
        said += [f"executor {row['executor']}"] if row["executor"] else []
        sentences.append(f"{', '.join(said)}.")
    return sentences
