"""Grouping: every run once, one structure a cohort, a fixed order."""

from bench.plan import MAX_COHORT_SIZE, Plan, expand, group, load_spec


def test_the_default_sweep_has_two_cohorts_for_each_latent_dimension_and_one_on_a_gpu():
    cohorts = group(expand(load_spec(), "h"))
    assert [(c.device, c.latent_dim, len(c)) for c in cohorts] == [
        (device, latent_dim, size)
        for device, sizes in (("cpu", (10, 11)), ("cuda", (21,)))
        for latent_dim in (2, 4, 8, 16, 32)
        for size in sizes
    ]
    assert [c.objectives for c in cohorts[:2]] == [("ae", "vae"), ("vae",)]


def test_every_run_is_in_one_cohort_of_its_structure():
    runs = expand(load_spec(None, ["sweep.seed=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"]), "h")
    cohorts = group(runs)
    assert sorted(r.run_id for c in cohorts for r in c.runs) == sorted(r.run_id for r in runs)
    assert all(run.structure == cohort.structure for cohort in cohorts for run in cohort.runs)


def test_autoencoders_come_first_then_seed_then_weight_whatever_the_order_given():
    runs = sorted(expand(load_spec(), "h"), key=lambda run: run.run_id)
    for cohort in group(runs):
        keys = [(r.objective, r.seed, r.kl_weight or 0.0) for r in cohort.runs]
        assert keys == sorted(keys)


def test_a_large_structure_is_cut_into_even_cohorts():
    axes = ["sweep.latent_dim=[2]", f"sweep.seed={[*range(19)]}", "sweep.device=['cpu']"]
    sizes = [len(cohort) for cohort in group(expand(load_spec(None, axes), "h"))]
    assert sum(sizes) == 19 * 7
    assert max(sizes) <= MAX_COHORT_SIZE["cpu"]
    assert max(sizes) - min(sizes) <= 1


def test_no_more_runs_than_fit_in_memory_share_a_cohort():
    runs = [run for run in expand(load_spec(), "h") if run.device == "cpu"]
    limits = {runs[0].structure: 4}
    sizes = {c.latent_dim: [] for c in group(runs)}
    for cohort in group(runs, limits=limits):
        sizes[cohort.latent_dim].append(len(cohort))
    assert sizes == {2: [3, 4, 3, 4, 3, 4], **{dim: [10, 11] for dim in (4, 8, 16, 32)}}


def test_few_cohorts_are_cut_so_that_every_worker_has_one():
    runs = [run for run in expand(load_spec(), "h") if run.device == "cpu"]
    few = [run for run in runs if run.latent_dim in (2, 4)][:31]  # of 21 and 10 runs
    assert [len(cohort) for cohort in group(few)] == [10, 11, 10]
    assert [len(c) for c in group(few, at_least=5)] == [7, 7, 7, 5, 5]
    assert [len(c) for c in group(few[:3], at_least=5)] == [1, 1, 1]
    assert group([], at_least=2) == []


def test_ten_thousand_runs_are_grouped_without_losing_one():
    cohorts = group(expand(load_spec(None, [f"sweep.seed={[*range(143)]}"]), "h"))
    assert sum(map(len, cohorts)) == 10_010


def test_a_plan_tells_its_axes_and_what_is_skipped():
    spec = load_spec()
    runs = expand(spec, "h")
    here = [run for run in runs if run.device == "cpu"]
    plan = Plan(spec, tuple(runs), tuple(group(here)), {"cuda": "no CUDA device"})
    assert plan.axes["seed"] == (0, 1, 2)
    assert list(plan.axes) == list(type(spec.sweep).model_fields)
    assert plan.skipped_counts == {"cuda": 105}
