"""Final losses of published runs, forecast from their beginnings and smaller runs or other seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isoflop.logs import LogOptions, read_logs
from isoflop.watch import RatioMethod
from watch.known_ends import LADDER_SIZES, all_others, finished_curves, outcomes

DATA = next(
    (parent / "shared" / "data" for parent in Path(__file__).parents if (parent / "shared" / "data").is_dir()), None
)
pytestmark = pytest.mark.skipif(DATA is None, reason="../shared/data is not there: public curves are not read")


@pytest.fixture(scope="module")
def ladder():
    return read_logs(DATA / "ladder_curves", LogOptions(params=LADDER_SIZES))


@pytest.mark.parametrize(("share", "mean", "largest", "half"), [(0.2, 0.15, 0.32, 0.40), (0.5, 0.12, 0.22, 0.27)])
def test_larger_runs_of_the_ladder_end_where_the_next_smaller_show(ladder, share, mean, largest, half):
    found = outcomes(finished_curves(ladder), share, methods=[RatioMethod()])
    twelve = [one for one in found if one.run.partition("-")[2] in ("1xC", "2xC", "5xC", "10xC")]
    assert len(twelve) == 12
    errors = 100 * np.abs([one.error for one in twelve])
    assert errors.mean() <= mean
    assert errors.max() <= largest
    assert sum(one.held for one in twelve) >= 10
    assert 100 * np.mean([one.half for one in twelve]) <= half


@pytest.mark.parametrize("loss", ["dolma_books-validation", "wikitext_103-validation"])
def test_other_sets_of_the_ladder_have_intervals_of_their_own_width(ladder, loss):
    found = outcomes(finished_curves(ladder, loss), 0.5, methods=[RatioMethod()])
    assert np.mean([one.held for one in found]) >= 0.8


def test_another_seed_ends_within_a_twentieth_of_a_percent(ladder):
    runs = [run for run in read_logs(DATA / "optimizer_runs") if run.ended]
    errors, held = [], []
    for recipe in ("recipe-12", "recipe-10", "recipe-06", "recipe-15"):
        curves = finished_curves([run for run in runs if run.settings["recipe"] == recipe][:8])
        found = outcomes(curves, 0.5, like=all_others, methods=[RatioMethod()])
        errors += [100 * abs(one.error) for one in found]
        held += [one.held for one in found]
    assert len(held) == 32
    assert np.mean(errors) <= 0.03
    assert np.mean(held) >= 0.8
