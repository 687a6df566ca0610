import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isoflop.fit import fit_all, fit_isoflop
from isoflop.fit.schedule_checks import MISMATCH, decay_notices, exponent_notices, observed_decay
from isoflop.observations import Observations

from . import porian
from .designs import TRUTHS, isoflop_sweep

GEMSTONES = Path(__file__).parents[3] / "shared" / "data" / "gemstones"


def checkpoints(kind="cosine", noise=0.001, seed=0, law="besiroglu", order=None):
    """Ten rows each of twelve runs: under one cosine a run, at a constant rate, or each the end of its own schedule."""
    rng = np.random.default_rng(seed)
    table = {"N": [], "D": [], "loss": [], "run_id": []}
    for i, N in enumerate(np.geomspace(5e7, 2e9, 12)):
        progress = np.arange(1, 11) / 10
        D = 40 * N * progress
        above = {"cosine": 0.015 * (1 + np.cos(np.pi * progress)), "constant": 0.03, "matched": 0.0}[kind]
        loss = TRUTHS[law].loss(N, D) * (1 + above) * np.exp(rng.normal(0, noise, 10))
        for name, values in (("N", [N] * 10), ("D", D), ("loss", loss), ("run_id", [f"r{i}"] * 10)):
            table[name] += list(values)
    chosen = range(120) if order is None else order
    return Observations.from_arrays(**{name: [values[i] for i in chosen] for name, values in table.items()})


def test_rows_of_one_cosine_are_found_and_how_far_they_lie_above():
    found = observed_decay(checkpoints())
    assert found.runs == 12
    assert found.share == pytest.approx(0.03, abs=0.006)
    assert [notice.code for notice in decay_notices(checkpoints())] == [MISMATCH]


@pytest.mark.parametrize("law", sorted(TRUTHS))
def test_a_law_has_no_decay_in_it_and_noise_seldom(law):
    assert observed_decay(checkpoints("matched", noise=0.0, law=law)).share < 0.0005
    rings = sum(
        bool(decay_notices(checkpoints(kind, noise=0.003, seed=seed, law=law)))
        for seed in range(40)
        for kind in ("matched", "constant")
    )
    # One in 200 by the threshold: more than three of 80 has a chance of one in a thousand.
    assert rings <= 3


def test_what_is_stated_is_not_doubted():
    assert not decay_notices(replace(checkpoints(), schedule="matched"))
    assert not exponent_notices(replace(checkpoints(), schedule="matched"), 0.7)


def test_single_rows_a_run_cannot_tell():
    assert observed_decay(isoflop_sweep(TRUTHS["hoffmann"], np.geomspace(1e18, 1e21, 5), noise=0.005)) is None


def test_row_order_and_run_names_change_nothing():
    data = checkpoints(order=np.random.default_rng(0).permutation(120))
    renamed = replace(data, run_id=tuple(name[::-1] for name in data.run_id))
    assert observed_decay(data) == observed_decay(renamed) == observed_decay(checkpoints())


def test_the_report_says_it():
    notices = fit_all(checkpoints(), draws=0).as_json()["observations"]["notices"]
    assert MISMATCH in {notice["code"] for notice in notices}


@pytest.mark.parametrize("name", ["hot_477", "hot", "cool_end"])
def test_constant_and_annealed_rows_of_gemstones_are_not_flagged(name):
    file = GEMSTONES / f"wandb_df_for_fitting_{name}.jsonl"
    if not file.is_file():
        pytest.skip(f"needs {file}")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    columns = {"N": "params_active_precise", "D": "tokens", "loss": "final_loss", "run_id": "run_name"}
    data = Observations.from_rows(rows, columns=columns)
    assert observed_decay(data).runs >= 20
    assert not decay_notices(data)


def test_exponents_of_long_schedules_are_flagged_and_those_of_matched_ones_are_not():
    flagged = {"kaplan": [], "chinchilla": []}
    for condition in porian.published():
        decay = condition[3]
        if decay in flagged:
            codes = {notice.code for notice in fit_isoflop(porian.points(condition), draws=0).notices}
            flagged[decay].append(MISMATCH in codes)
    assert flagged == {"kaplan": [True] * 8, "chinchilla": [False] * 3}


@pytest.mark.parametrize("law", sorted(TRUTHS))
def test_sweeps_of_a_law_are_not_flagged(law):
    rings = 0
    for seed in range(40):
        data = isoflop_sweep(TRUTHS[law], np.geomspace(1e18, 1e21, 5), sizes=8, span=4, noise=0.005, seed=seed)
        rings += any(notice.code == MISMATCH for notice in fit_isoflop(data, draws=0).notices)
    assert rings <= 2
