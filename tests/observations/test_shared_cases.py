"""Small tables that were once read wrongly, where they are at hand: their folder says what is right for each."""

from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.fit import fit_isoflop, fit_parametric
from isoflop.observations import read_observations

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the folder shared/cases is not beside this checkout")


def exponent(made):
    return round(fit_parametric(made, draws=0).exponents[0], 3)


def test_decimal_commas_are_their_decimal_points():
    commas, points = (read_observations(CASES / f"comma_decimals_ppl{end}.csv") for end in ("", "_dots"))
    for name in ("N", "D", "loss"):
        assert np.array_equal(getattr(commas, name), getattr(points, name))


def test_a_log_perplexity_is_in_nats():
    made = read_observations(CASES / "log_ppl.csv")
    assert (made.loss.min().round(2), made.loss.max().round(2)) == (2.37, 4.18)
    assert exponent(made) == 0.531


def test_gigaflops_are_flops():
    made = read_observations(CASES / "gflops_column.csv")
    assert made.source.columns["flops"].as_json() == {"column": "throughput/total_gflops", "scale": 1e9}
    assert round(fit_isoflop(made, draws=0).exponents[0], 3) == 0.497


def test_parts_make_the_budget():
    made = read_observations(CASES / "nanochat.csv")
    assert made.source.columns["params"].parts == ("params_lm_head", "params_transformer")
    assert round(fit_isoflop(made, draws=0).exponents[0], 2) == 0.54
    assert {notice.code for notice in made.notices} >= {"params_by_flops", "budget_is_flops"}


def test_activated_parameters_are_n():
    made = read_observations(CASES / "activated_params.csv")
    assert made.source.columns["params"].column == "activated_params"
    assert exponent(made) == 0.531


def test_a_loss_next_to_its_smoothed_values_is_asked_about():
    with pytest.raises(InputError, match="'loss=loss'\n  --column 'loss=smooth loss'"):
        read_observations(CASES / "loss_beside_smooth.csv")


def test_l_is_a_number_of_layers():
    made = read_observations(CASES / "layers_L.csv")
    assert made.source.columns["loss"].column == "eval/val/loss"
