"""Curves from logged runs: which loss, against what, on which schedule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import InputError, RefusedError
from isoflop.logs import Series
from isoflop.watch import WatchOptions
from isoflop.watch.curve import TRAINING
from isoflop.watch.curves import read_curves
from watch.drawn_runs import ladder, logged_run

RUN = logged_run("run", 8e6, 1.6e8, until=0.5)


def codes(curves):
    return [notice.code for notice in curves.notices]


def with_training(run):
    """The run with its losses as those of training batches, and an evaluation at its end alone."""
    losses = run.evaluations["validation"]
    last = Series(steps=losses.steps[-1:], values=losses.values[-1:] * 1.01)
    return replace(run, training=losses, evaluations={"validation": last})


def test_losses_of_training_end_in_an_evaluation():
    found = read_curves(replace(RUN, training=RUN.evaluations["validation"], evaluations={}),
                        [with_training(run) for run in ladder()], WatchOptions())  # fmt: skip
    assert (found.run.measured, found.final_set) == (TRAINING, "validation")
    assert "watched_by_training_loss" in codes(found)
    for curve, run in zip(found.like, ladder(), strict=True):
        assert curve.final == pytest.approx(run.evaluations["validation"].values[-1] * 1.01)
        assert curve.end == pytest.approx(curve.final / 1.01, rel=0.01)


def test_without_any_evaluation_the_end_is_the_mean_of_the_last_losses():
    like = [replace(with_training(run), evaluations={}) for run in ladder()]
    found = read_curves(with_training(RUN), like, WatchOptions())
    assert found.final_set == TRAINING
    assert found.like[0].final == found.like[0].end


def test_steps_are_counted_where_a_log_has_no_tokens():
    found = read_curves(RUN, [replace(run, tokens=None) for run in ladder()], WatchOptions())
    assert found.run.counts == "steps"
    assert found.run.total_tokens == RUN.planned_steps


def test_runs_that_did_not_end_or_have_few_points_are_left_out_and_told():
    like = ladder()
    like[0] = replace(like[0], ended=False)
    short = like[1].evaluations["validation"]
    like[1] = replace(like[1], evaluations={"validation": Series(steps=short.steps[-3:], values=short.values[-3:])})
    found = read_curves(RUN, like, WatchOptions())
    assert [curve.name for curve in found.like] == [like[2].name]
    assert {"unfinished_runs_left_out", "run_without_curve"} <= set(codes(found))


def test_of_several_sets_the_plainest_is_used_and_another_can_be_stated():
    def two(run):
        return replace(run, evaluations={"books": run.evaluations["validation"], **run.evaluations})

    found = read_curves(two(RUN), list(map(two, ladder())), WatchOptions())
    assert found.run.measured == "validation"
    assert read_curves(two(RUN), list(map(two, ladder())), WatchOptions(loss="books")).run.measured == "books"
    with pytest.raises(InputError, match="papers"):
        read_curves(two(RUN), list(map(two, ladder())), WatchOptions(loss="papers"))


def test_a_log_that_outlives_its_plan_is_told():
    found = read_curves(RUN, ladder(), WatchOptions(total_tokens=0.5e8))
    assert "longer_than_planned" in codes(found)
    assert found.run.share[-1] == pytest.approx(1)


def test_a_run_without_a_common_loss_is_refused():
    with pytest.raises(RefusedError) as caught:
        read_curves(replace(RUN, evaluations={"other": RUN.evaluations["validation"]}), ladder(), WatchOptions())
    assert caught.value.code == "no_curve"


def test_what_is_no_number_is_no_point():
    losses = RUN.evaluations["validation"]
    broken = Series(steps=losses.steps, values=np.where(np.arange(len(losses)) % 5 == 0, np.nan, losses.values))
    found = read_curves(replace(RUN, evaluations={"validation": broken}), ladder(), WatchOptions())
    assert np.all(np.isfinite(found.run.loss))
    assert len(found.run.loss) == int(np.isfinite(broken.values).sum())
