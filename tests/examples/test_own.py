"""Own network, own data, the op alone, and the tutorial's question."""

import pandas as pd


def test_own_network_trains_stacked(example, sweep):
    example("own-network")
    runs = sweep("sweep.toml", "out", sweep__kl_weight="[0.3]")
    assert set(runs["objective"]) == {"ae", "vae"}
    assert set(runs["architecture"]) == {"mynets.convolutions:normalised"}
    assert set(runs["stacking"]) == {"native"}


def test_own_arrays_and_pictures_are_the_same_data(example, script, sweep):
    folder = example("own-dataset")
    script("arrays.py")
    script("folder.py")
    assert (folder / "pictures" / "bar" / "0001.png").exists()
    changes = {"sweep__latent_dim": "[2]", "sweep__kl_weight": "[0.1]", "metrics__probes": "true"}
    for spec, out in (("arrays.toml", "a"), ("folder.toml", "f")):
        runs = sweep(spec, out, **changes)
        assert len(runs) == 2
        assert runs["probe_linear_accuracy_pixels"].gt(0.5).all()


def test_the_op_alone_trains_to_the_loss_of_the_lines_it_replaces(example, script):
    example("fused-op")
    lines = script("vae.py", "6").splitlines()
    plain, fused = (float(line.split()[1]) for line in lines)
    assert [line.split()[0] for line in lines] == ["plain", "fused"]
    assert abs(plain - fused) < 0.5


def test_the_tutorials_question_is_answered(example, bench, script, sweep):
    example("tutorial")
    few = {"sweep__kl_weight": "[0.1, 1.0]", "sweep__seed": "[0, 1]"}
    warmup = sweep("question.toml", "runs/warmup", **few)
    constant = sweep("question.toml", "runs/constant", training__kl_schedule="constant", **few)
    assert set(warmup["kl_schedule"]) == {"linear"}
    assert set(constant["kl_schedule"]) == {"constant"}
    assert "compared-with-constant" in bench("compare", "runs/constant", "runs/warmup")
    said = script("answer.py", "runs/constant", "runs/warmup")
    assert said.count("active_units") == 2
    shown = float(said.splitlines()[3].split()[2])
    expected = pd.read_parquet("runs/constant/results.parquet").groupby("kl_weight")["test_mse"]
    assert shown == round(expected.mean()[0.1], 4)


def test_a_metric_is_computed_outside_on_a_finished_sweep(example, script, sweep):
    example("new-metric")
    runs = sweep("sweep.toml", "out", sweep__kl_weight="[1.0]")
    lines = script("outside.py", "out").splitlines()
    assert len(lines) == 2 + len(runs)
    assert all(1 <= float(line.split()[3]) <= 16 for line in lines[2:])
