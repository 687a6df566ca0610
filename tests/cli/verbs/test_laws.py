"""`isoflop laws`."""

import pytest

from isoflop.laws import published_names


def test_all_laws_are_listed_with_their_source(answer):
    value = answer("laws")
    assert [law["name"] for law in value["laws"]] == list(published_names())
    for law in value["laws"]:
        assert law["paper"]
        # Porian et al. fitted N and D apart
        assert law["a"] + law["b"] == pytest.approx(1, abs=2e-3)
        assert "params" not in law
    assert [form["name"] for form in value["forms_without_constants"]] == ["gadre2024"]


def test_laws_are_compared_at_a_budget(answer):
    laws = {law["name"]: law for law in answer("laws", "--flops", "2.5272e24")["laws"]}
    assert laws["besiroglu2024"]["params"] == pytest.approx(1.541837e11, rel=1e-6)
    assert laws["hoffmann2022-3-rounded"]["tokens"] == pytest.approx(6.710204e12, rel=1e-6)
    assert laws["hoffmann2022-1"]["loss"] is None
    assert laws["besiroglu2024"]["loss"] == pytest.approx(1.938000, abs=1e-6)
    assert laws["hoffmann2022-1-printed"]["params"] == pytest.approx(1.403406e11, rel=1e-6)


def test_what_lies_outside_a_laws_runs_is_reported_with_its_factor(answer):
    laws = {law["name"]: law for law in answer("laws", "--flops", "5.76e23")["laws"]}
    assert laws["besiroglu2024"]["extrapolation_factor"] == pytest.approx(5.76e23 / 1.296e22)
    assert laws["besiroglu2024"]["beyond"] == pytest.approx(5.76e23 / 1.296e22)
    # its runs are not known by their FLOPs: the factor is that of its N
    assert laws["kaplan2020"]["extrapolation_factor"] is None
    assert laws["kaplan2020"]["beyond"] == pytest.approx(8.043e11 / 1.5e9, rel=1e-3)
    assert {warning["code"] for warning in laws["kaplan2020"]["warnings"]} == {
        "extrapolation",
        "beyond_evidence",
        "caution",
    }
    inside = {law["name"]: law for law in answer("laws", "--flops", "1e21")["laws"]}["besiroglu2024"]
    assert (inside["beyond"], inside["warnings"]) == (1.0, [])


def test_for_people(run):
    for arguments in (
        ["laws"],
        ["laws", "--flops", "5.76e23"],
        ["laws", "--flops", "1e12"],
        ["laws", "--flops", "1e30"],
    ):
        result = run(*arguments)
        assert all(name in result.stdout for name in published_names())
        assert max(map(len, result.stdout.splitlines())) <= 80
    line = next(
        line for line in run("laws", "--flops", "5.76e23").stdout.splitlines() if line.startswith("besiroglu2024 ")
    )
    assert line.split() == ["besiroglu2024", "72.2B", "1.33T", "18.4", "1.9744", "1e18-1e22", "44x"]


@pytest.mark.parametrize("name", published_names())
def test_one_law_with_all_that_is_known_of_it(run, answer, name):
    value = answer("laws", name, "--flops", "1e24")
    (law,) = value["laws"]
    shown = run("laws", name, "--flops", "1e24").stdout
    assert law["paper"].split(" (")[0] in shown
    assert "At 1e24" in shown
    assert ("Caution" in shown) == bool(law["caution"])
    assert ("none printed" in shown) == (not law["intervals"])
    assert max(map(len, shown.splitlines())) <= 80


def test_intervals_are_shown_with_their_level(run):
    assert "(80 %)" in run("laws", "hoffmann2022-1").stdout
    assert "(95 %)" in run("laws", "besiroglu2024").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--flops", "-1"], 2, "--flops"),
        (["--flops", "0"], 2, "--flops"),
        (["--flops", "nan"], 2, "--flops"),
        (["--flops", "lots"], 2, "--flops"),
        (["chinchilla"], 2, "besiroglu2024"),
        (["gadre2024"], 3, "constants"),
    ],
)
def test_bad_input(run, arguments, code, message):
    result = run("laws", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""
