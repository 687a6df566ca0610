import json
from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.fit import FitReport, Refused, fit_all
from isoflop.laws import FrontierLaw
from isoflop.observations import Observations

from .designs import TINY_COST, TRUTHS, isoflop_sweep, tiny_sweep

KEYS = {"status", "reason", "a", "b", "intervals", "warnings"}


@pytest.fixture(scope="module")
def report():
    return fit_all(tiny_sweep(0), cost=TINY_COST, draws=200)


def test_the_keys_of_fit_json(report):
    data = json.loads(json.dumps(report.as_json(), allow_nan=False))
    assert {"rows_read", "rows_used", "dropped", "params_convention", "flops_convention", "loss_unit"} <= set(
        data["observations"]
    )
    for approach in ("parametric", "isoflop", "envelope"):
        assert set(data[approach]) >= KEYS
        assert data[approach]["intervals"]["level"] == 0.9
    assert {"E", "A", "B", "alpha", "beta", "objective", "delta", "starts", "identified"} <= set(data["parametric"])
    assert set(data["parametric"]["starts"]) == {"tried", "at_best"}
    assert {"budgets", "tokens_coefficient", "params_coefficient"} <= set(data["isoflop"])
    assert {"flops", "params", "tokens", "loss", "kept", "reason"} <= set(data["isoflop"]["budgets"][0])
    assert data["envelope"]["status"] == "not_applicable"
    assert all(ratio >= 1 for ratio in data["disagreement"]["params_ratio_at"].values())
    assert len(data["disagreement"]["params_ratio_at"]) == 3


def test_save_and_load_give_the_same_report(report, tmp_path):
    path = report.save(tmp_path / "fit.json")
    again = FitReport.load(path)
    assert again.as_json() == report.as_json()
    f = lambda law: law.optimum(1e13, TINY_COST)[0]  # noqa: E731
    assert again.parametric.interval(f) == report.parametric.interval(f)
    assert again.isoflop.interval(f) == report.isoflop.interval(f)
    assert again.forecast_loss(5e4, 8e6) == report.forecast_loss(5e4, 8e6)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fit.json", "fit.npz"]


def test_one_budget_gives_no_form():
    data = isoflop_sweep(TRUTHS["besiroglu"], np.array([1e20]), sizes=12, noise=0.002)
    report = fit_all(data, draws=50)
    assert report.parametric.code == "one_budget"
    assert (report.forms, report.past, report.lack_of_fit, report.forecaster) == ((), (), None, None)


def test_every_form_is_reported_with_its_past_errors(report):
    data = report.as_json()
    assert [form["form"] for form in data["forms"]] == ["chinchilla", "coupled", "logquadratic"]
    first = data["forms"][0]
    assert first["objective"] == pytest.approx(data["parametric"]["objective"], rel=1e-9)
    assert first["constants"] == pytest.approx({k: data["parametric"][k] for k in first["constants"]}, rel=1e-6)
    assert data["forms"][1]["objective"] <= first["objective"]
    for form in data["forms"]:
        assert [one["factor"] for one in form["backtest"]] == pytest.approx([2, 4, 2], rel=0.06)
        assert all(abs(one["error"]) < 0.05 for one in form["backtest"])
    assert set(data["lack_of_fit"]) >= {"by", "found", "removed_by", "message"}
    assert set(data["lack_of_fit"]["by"]) == {"params", "tokens", "tokens_per_param"}
    assert set(data["lack_of_fit"]["by"]["params"]) >= {"slope", "se", "z"}


def test_a_wrong_form_is_a_warning_of_the_parametric_fit():
    def coupled(N, D):
        return 1.757 + (2305 * N**-0.42436 + 9957 * D**-0.43053) ** 0.774

    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e18, 1e22, 6), sizes=12, noise=0.003, surface=coupled)
    found = fit_all(data, draws=0)
    assert found.lack_of_fit.found
    assert found.lack_of_fit.removed_by == "coupled"
    assert "lack_of_fit" in {notice.code for notice in found.parametric.notices}


def test_every_approach_with_a_law_has_a_say_in_the_disagreement():
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e18, 1e22, 5), sizes=9, span=4, noise=0.002)
    report = fit_all(data, draws=0)
    ratios = report.disagreement()
    envelope = report.isoflop
    odd = replace(envelope, law=FrontierLaw(params_coefficient=1.0, a=0.5, tokens_coefficient=1 / 6, b=0.5))
    assert replace(report, envelope=odd).disagreement() != ratios
    refused = Refused(approach="envelope", code="no_finished_runs", reason="no run has ended")
    assert replace(report, envelope=refused).disagreement() == ratios


def test_loading_refuses_what_is_no_fit(tmp_path):
    for text in ("{}", "[]", "no", '{"schema": 99}'):
        (tmp_path / "fit.json").write_text(text)
        with pytest.raises(InputError):
            FitReport.load(tmp_path / "fit.json")
    with pytest.raises(InputError):
        FitReport.load(tmp_path / "missing.json")


def test_approaches_agree_where_the_law_is_symmetric():
    data = isoflop_sweep(TRUTHS["besiroglu"], np.geomspace(1e18, 1e22, 5), sizes=9, span=4, noise=0.002)
    ratios = fit_all(data, draws=100).disagreement()
    assert ratios["1e22"] < 1.1


def test_one_refusal_does_not_stop_the_others():
    N = np.geomspace(1e8, 1e10, 10)
    report = fit_all(Observations.from_arrays(N=N, D=20 * N, loss=TRUTHS["besiroglu"].loss(N, 20 * N)))
    assert (report.parametric.status, report.parametric.code) == ("refused", "collinear")
    assert report.isoflop.status in ("refused", "not_applicable")
    assert report.as_json()["disagreement"] == {"params_ratio_at": {}}


def test_no_usable_row_is_an_input_error():
    empty = Observations.from_rows([{"N": 1e8, "D": 1e9, "loss": float("nan")}])
    with pytest.raises(InputError, match="row 1"):
        fit_all(empty)


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.03])
@pytest.mark.parametrize("draws", [0, 30])
def test_whatever_a_fit_finds_it_can_be_saved_and_loaded(noise, draws, tmp_path):
    """Sweeps that identify little too: few budgets and sizes, near each other."""
    made = 0
    for number, (budgets, sizes, span) in enumerate([(1, 6, 3.0), (2, 5, 1.2), (2, 7, 8.0), (3, 4, 1.2), (4, 4, 1.2)]):
        runs = isoflop_sweep(
            TRUTHS["asym"], 1e21 * 1.3 ** np.arange(budgets), sizes=sizes, span=span, noise=noise, seed=number
        )
        try:
            report = fit_all(runs, draws=draws)
        except RefusedError:
            continue
        assert FitReport.load(report.save(tmp_path / "fit.json")).as_json() == report.as_json()
        made += 1
    assert made >= 3
