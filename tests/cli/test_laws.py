"""`isoflop laws`."""

import pytest

from isoflop.laws import published_names


def test_all_laws_are_listed_with_their_source(answer):
    value = answer("laws")
    assert [law["name"] for law in value["laws"]] == list(published_names())
    for law in value["laws"]:
        assert law["paper"]
        assert law["a"] + law["b"] == pytest.approx(1)
        assert "params" not in law


def test_laws_are_compared_at_a_budget(answer):
    laws = {law["name"]: law for law in answer("laws", "--flops", "2.5272e24")["laws"]}
    assert laws["besiroglu2024"]["params"] == pytest.approx(1.541837e11, rel=1e-6)
    assert laws["hoffmann2022-3-rounded"]["tokens"] == pytest.approx(6.710204e12, rel=1e-6)
    assert laws["hoffmann2022-1"]["loss"] is None
    assert laws["besiroglu2024"]["loss"] == pytest.approx(1.938000, abs=1e-6)


def test_for_people(run):
    for arguments in (["laws"], ["laws", "--flops", "5.76e23"]):
        result = run(*arguments)
        assert all(name in result.stdout for name in published_names())
        assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.parametrize("flops", ["-1", "0", "nan", "lots"])
def test_bad_budgets(run, flops):
    result = run("laws", "--flops", flops)
    assert result.exit_code == 2
    assert "--flops" in result.stderr
