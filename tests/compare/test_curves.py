"""Losses on the way, which the picture of a comparison draws."""

from __future__ import annotations

import json

import numpy as np

from isoflop.codec import fields_to_json
from isoflop.compare import Comparison, Side, compare_runs
from isoflop.logs import LoggedRun
from isoflop.logs.run import Series
from isoflop.report.comparison_page import comparison_page
from isoflop.report.html import page_html
from isoflop.report.panel import Absent
from isoflop.report.panels.loss_distance import distances_of, draw_distances

STEPS = np.arange(1.0, 1001.0)


def run(name: str, params: float, gain: float) -> LoggedRun:
    tokens = STEPS * 1e5
    loss = 1.8 + 400 / params**0.34 + 2000 / (gain * tokens) ** 0.36
    return LoggedRun(
        name=name,
        source="made",
        params=params,
        tokens=Series(steps=STEPS, values=tokens),
        evaluations={"val": Series(steps=STEPS, values=loss)},
        ended=True,
    )


def compared() -> Comparison:
    sizes = (1e6, 3e6, 1e7)
    a, b = ([run(f"{name}-{N:g}", N, gain) for N in sizes] for name, gain in (("adamw", 1.0), ("muon", 1.3)))
    return compare_runs(Side.from_logs("adamw", a), Side.from_logs("muon", b))


def test_curves_of_logs_are_thinned_and_end_at_the_final_loss() -> None:
    one = compared().sets[0]
    assert len(one.curves) == 6
    assert {curve.of_b for curve in one.curves} == {False, True}
    for curve in one.curves:
        assert len(curve.loss) <= 161
        assert len(curve.loss) == len(curve.tokens) == len(curve.flops)
        assert curve.tokens[-1] == 1e8
        assert curve.params is not None
        assert curve.flops[-1] == 6 * curve.params * 1e8
        assert np.all(np.diff(curve.tokens) > 0)
    ends = {round(curve.loss[-1], 9) for curve in one.curves}
    assert ends == {round(loss, 9) for cell in one.cells for loss in (cell.loss_a, cell.loss_b)}


def test_the_picture_draws_both_sides_along_their_way() -> None:
    found = compared()
    values = distances_of(found, found.sets[0])
    assert not isinstance(values, Absent)
    drawing = draw_distances(values)
    lines = [trace for trace in drawing.data if trace.get("opacity") == 0.55]
    assert len(lines) == 6
    assert "losses on the way" in page_html(comparison_page(found))


def test_json_has_no_curves_and_final_rows_have_none() -> None:
    found = compared()
    assert "curves" not in json.dumps(fields_to_json(found))
    rows = Side(name="a", runs=tuple(Side.from_logs("a", [run("x", 1e6, 1.0)]).runs))
    assert rows.runs[0].curves.keys() == {"val"}
    point = Series(steps=np.array([1e8]), values=np.array([1e8]))
    final = LoggedRun(
        name="y", source="made", tokens=point, evaluations={"val": Series(steps=point.steps, values=np.array([3.0]))}
    )
    assert Side.from_logs("b", [final]).runs[0].curves == {}
