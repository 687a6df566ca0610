"""`isoflop predict`."""

import json

import numpy as np
import pytest

from isoflop.laws import published_law


def test_chinchilla_under_three_laws(answer):
    for law, loss in (("besiroglu2024", 1.973882), ("hoffmann2022-3", 1.920846), ("hoffmann2022-3-rounded", 1.936645)):
        value = answer("predict", "--law", law, "--params", "70B", "--tokens", "1.4T")
        assert value["loss"] == pytest.approx(loss, abs=1e-6)
        assert (value["interval"] is None) == (law != "besiroglu2024")  # whose points are public
        assert value["flops"] == pytest.approx(5.88e23)
    assert {warning["code"] for warning in value["warnings"]} >= {"no_draws"}


def test_for_people(run):
    result = run("predict", "--law", "besiroglu2024", "--params", "70B", "--tokens", "1.4T")
    assert result.exit_code == 0
    assert "1.9739" in result.stdout
    assert "45.4 times" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--law", "besiroglu2024", "--params", "70B"], 2, "isoflop predict 7B 1T"),
        (["--law", "besiroglu2024", "--params", "-70B", "--tokens", "1T"], 2, "--params"),
        (["--law", "nobody2024", "--params", "70B", "--tokens", "1T"], 2, "besiroglu2024"),
        (["--law", "besiroglu2024", "--fit", "fit.json", "--params", "70B", "--tokens", "1T"], 2, "--law and --fit"),
        (["--law", "hoffmann2022-2", "--params", "70B", "--tokens", "1T"], 3, "loss surface"),
    ],
)
def test_bad_input(run, arguments, code, message):
    result = run("predict", *arguments)
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stdout == ""


def test_next_to_a_fits_prediction_stand_its_forms_and_its_past_error(answer, run, tmp_path):
    law, rng = published_law("besiroglu2024"), np.random.default_rng(0)
    C = np.repeat(np.geomspace(1e18, 1e20, 5), 7)
    N = law.optimum(C)[0] * np.tile(np.geomspace(0.25, 4, 7), 5)
    losses = law.loss(N, C / 6 / N) * np.exp(rng.normal(0, 0.003, len(N)))
    rows = (f"{n:.6g},{c / 6 / n:.6g},{loss:.6f}" for n, c, loss in zip(N, C, losses, strict=True))
    lines = ["params,tokens,loss", *rows]
    table, fit = tmp_path / "runs.csv", tmp_path / "fit.json"
    table.write_text("\n".join(lines))
    fitted = answer("fit", str(table), "--out", str(fit), "--draws", "200")
    assert [form["form"] for form in fitted["forms"]] == ["chinchilla", "coupled", "logquadratic"]
    assert set(fitted["forms"][0]["backtest"][0]) == {"origin_flops", "target_flops", "factor", "error"}
    assert fitted["forms"][0]["objective"] == pytest.approx(fitted["parametric"]["objective"])
    assert fitted["lack_of_fit"]["found"] is False

    N, D = law.optimum(5e20)
    value = answer("predict", "--fit", str(fit), "--params", f"{float(N):.4g}", "--tokens", f"{float(D):.4g}")
    assert {form["form"] for form in value["forms"]} == {"chinchilla", "coupled", "logquadratic"}
    losses = [form["loss"] for form in value["forms"]]
    assert value["form_spread"] == pytest.approx(max(losses) / min(losses) - 1)
    assert 0 < value["lean"] < 0.02
    assert min(losses) <= value["loss"] / (1 - value["lean"]) <= max(losses)
    assert value["interval"][0] < float(law.loss(N, D)) < value["interval"][1]
    past = [one["factor"] for one in fitted["forms"][0]["backtest"]]
    nearest = min(past, key=lambda factor: abs(np.log(factor / value["extrapolation_factor"])))
    assert value["backtest_error"]["factor"] == pytest.approx(nearest)
    assert {"loss", "interval", "extrapolation_factor", "warnings"} <= set(value)

    text = run("predict", "--fit", str(fit), "--params", "4e8", "--tokens", "2e11").stdout
    assert "coupled" in text
    assert "Past forecast" in text
    plan = answer("plan", "--fit", str(fit), "--flops", "5e20")
    shown = run("plan", "--fit", str(fit), "--flops", "5e20").stdout
    assert all(item["label"].split(",")[0] in shown for item in plan["size"]["estimators"])
    assert plan["forms"][0]["params"] == pytest.approx(plan["params"], rel=0.3)
    assert [form["form"] for form in plan["forms"]] == ["chinchilla", "coupled", "logquadratic"]
    assert plan["forms"][1]["params"] == pytest.approx(plan["params"], rel=0.5)


def test_without_a_law_the_default_answers_and_is_named(run):
    asked = ("--params", "70B", "--tokens", "1T", "--json")
    default, named = run("predict", *asked), run("predict", "--law", "besiroglu2024", *asked)
    assert "answered by besiroglu2024" in default.stderr
    assert json.loads(default.stdout)["loss"] == json.loads(named.stdout)["loss"]
