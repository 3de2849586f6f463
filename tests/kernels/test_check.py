import torch

from kernels import check, reparameterize_kl
from kernels.check import Case, relative_errors


def reference_for_triton(*args, backend, **kwargs):
    return reparameterize_kl(*args, backend="reference", **kwargs)


def test_the_reference_itself_is_within_tolerance(monkeypatch):
    monkeypatch.setattr(check, "reparameterize_kl", reference_for_triton)
    for case in (Case(shape=(2, 9, 5)), Case(shape=(4, 3), samples=2, dtype=torch.bfloat16)):
        errors = relative_errors(case, "cpu")
        assert set(errors) == set(check.OUTPUTS)
        assert all(error <= case.tolerance(name) for name, error in errors.items())


def test_a_wrong_kl_is_found(monkeypatch, capsys):
    def wrong(*args, **kwargs):
        z, kl, per_dimension = reference_for_triton(*args, **kwargs)
        return z, 1.0001 * kl, per_dimension

    monkeypatch.setattr(check, "reparameterize_kl", wrong)
    monkeypatch.setattr(check, "CASES", (Case(shape=(4, 3), dtype=torch.bfloat16),))
    assert check.main(["--device", "cpu"]) == 1
    output = capsys.readouterr().out
    assert "FAILED (kl" in output
    assert "0 of 1 cases within tolerance" in output
