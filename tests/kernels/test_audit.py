import json
from dataclasses import replace

import pytest

from kernels import audit
from kernels.audit import Finding, broken_budgets

FINE = Finding(
    arch="sm_90", phase="forward", dtype="float32", latent_dim=16, registers=100, spill_bytes=0,
    stack_bytes=0, load_bits=128, store_bits=128, slots_per_element=35.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("arch", "phase", "dtype", "latent_dim"),
    [
        ("sm_90", "forward", "float32", 16),
        ("sm_90", "backward", "bfloat16", 16),
        pytest.param("sm_90", "forward", "bfloat16", 200, marks=pytest.mark.slow),
        pytest.param("sm_90", "backward", "bfloat16", 200, marks=pytest.mark.slow),
        pytest.param("sm_80", "backward", "float32", 16, marks=pytest.mark.slow),
        pytest.param("sm_100", "forward", "float16", 16, marks=pytest.mark.slow),
    ],
)
def test_a_kernel_meets_its_budget(arch, phase, dtype, latent_dim):
    finding = audit.audit(arch, phase, dtype, latent_dim)
    assert broken_budgets([finding]) == []
    # a Philox block alone takes 40 multiplications and exclusive ors for four elements
    assert finding.slots_per_element > 10
    assert 0 < finding.registers <= 255


@pytest.mark.slow
def test_amd_compiles():
    finding = audit.audit("gfx942", "forward", "float32", 16)
    assert (finding.spill_bytes, finding.load_bits) == (0, 128)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slots_per_element": 40.1}, "sm_90 forward float32 D=16: 40.1 slots per element; "
                                      "allowed are 40"),
        ({"phase": "backward", "slots_per_element": 42.1}, "allowed are 42"),
        ({"spill_bytes": 8}, "8 bytes spilled, 0 on the stack; allowed are none"),
        ({"arch": "sm_80", "stack_bytes": 32}, "0 bytes spilled, 32 on the stack"),
        ({"load_bits": 32}, "memory moves 32 bits at a time; allowed are 128"),
        ({"arch": "sm_100", "store_bits": 64}, "memory moves 64 bits at a time"),
    ],
)  # fmt: skip
def test_a_broken_budget_is_named(change, message):
    (line,) = broken_budgets([replace(FINE, **change)])
    assert message in line


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"phase": "backward", "slots_per_element": 41.0},
        {"arch": "sm_80", "slots_per_element": 60.0},
        {"arch": "gfx942", "slots_per_element": 200.0, "load_bits": 32},
        {"dtype": "bfloat16", "latent_dim": 20, "load_bits": 64},
    ],
)
def test_what_no_budget_forbids(change):
    assert broken_budgets([replace(FINE, **change)]) == []


def test_json_is_one_object_a_line(monkeypatch, capsys):
    findings = [FINE, replace(FINE, phase="backward")]
    monkeypatch.setattr(audit, "audit_all", lambda archs, jobs: iter(findings))
    assert audit.main(["--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["pass"] for row in rows] == ["forward", "backward"]
    assert list(rows[0]) == [
        "arch", "pass", "dtype", "latent_dim", "registers", "spill_bytes", "stack_bytes",
        "load_bits", "store_bits", "slots_per_element",
    ]  # fmt: skip


def test_the_table_and_the_exit_status_of_a_broken_budget(monkeypatch, capsys):
    broken = replace(FINE, slots_per_element=99.0)
    monkeypatch.setattr(audit, "audit_all", lambda archs, jobs: iter([broken]))
    assert audit.main([]) == 1
    output = capsys.readouterr()
    assert output.out.splitlines()[0].split()[:3] == ["arch", "pass", "dtype"]
    assert output.out.splitlines()[1].split()[-1] == "99.0"
    assert output.err.startswith("budget broken: sm_90 forward float32 D=16: 99.0 slots")


def test_every_combination_is_audited(monkeypatch):
    monkeypatch.setattr(audit, "audit", lambda *case: case)
    cases = list(audit.audit_all(["sm_90", "gfx942"], jobs=1))
    assert len(cases) == len(set(cases)) == 2 * 2 * 3 * len(audit.LATENT_DIMS)


def test_the_interpreter_compiles_nothing(monkeypatch):
    monkeypatch.setattr(audit, "TRITON_INTERPRETED", True)
    with pytest.raises(RuntimeError, match="run it without TRITON_INTERPRET=1"):
        audit.audit("sm_90", "forward", "float32", 16)
