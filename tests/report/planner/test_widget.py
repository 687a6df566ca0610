"""The slider of the budget on a report says what make_plan says of the fit, and sentence and star follow it."""

from __future__ import annotations

from pathlib import Path

import pytest

from isoflop.fit import FitReport
from isoflop.large_recipe import LargeRecipe
from isoflop.plan import Cluster, Plan, fitted_source, make_plan
from isoflop.report.html import write_page
from isoflop.report.pages import fit_page, study_page
from isoflop.report.planner.widget import budget_widgets
from isoflop.report.record import StudyRecord
from isoflop.units import format_quantity
from report.planner.driven import seen_at

SLIDE = """
  const root = act.page.getElementById("budget"), view = act.view;
  const said = () => [root.querySelector(".sentence").textContent, root.querySelector("output").textContent];
  const seen = [said()];
  const slider = root.querySelector(".budget-slider"), step = (by) => {
    slider.value = Number(slider.value) + by;
    slider.dispatchEvent(new view.Event("input", { bubbles: true }));
  };
  const star = () => root.querySelector(".star");
  const picture = act.page.getElementById("first-picture");
  const asked = () => picture.data.filter((trace) => trace.name === "another budget")
    .map((trace) => [trace.x, trace.y, trace.mode]);
  const stars = [asked()];
  step(0.5); seen.push([...said(), 10 ** Number(slider.value)]); stars.push(asked());
  for (let i = 0; i < 25; i++) act.press("ArrowRight");
  seen.push(said()); stars.push(asked());
  const inside = stars[1].at(-1)[1][0] >= picture.layout.yaxis.range[0];
  act.press("Escape"); seen.push(said());
  return { seen, stars, inside,
           width: act.page.documentElement.clientWidth, scroll: act.page.documentElement.scrollWidth,
           beyond: [...root.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right
             > act.page.documentElement.clientWidth + 1).length };"""


def planned(report: FitReport, flops: float) -> Plan:
    """What Python plans for `flops` on the devices of the page."""
    cluster = Cluster.parse("8xH100")
    source = fitted_source(report)
    recipe = LargeRecipe(params_convention=source.law.provenance.params_convention)
    return make_plan(source, flops, cluster=cluster, recipe=recipe)


def test_it_says_what_python_plans(report: FitReport, tmp_path: Path) -> None:
    page = write_page(fit_page(report, "runs.csv"), tmp_path / "fit.html")
    for seen in seen_at(page, [(width, "", SLIDE) for width in (390, 1400)], tmp_path):
        first, second, larger, back = seen["seen"]
        for said, flops in ((first, 10 * report.flops_range[1]), (second, second[2])):
            plan = planned(report, flops)
            assert plan.loss is not None
            assert plan.loss_interval is not None
            low, high = plan.loss_interval
            size, tokens = format_quantity(plan.params), format_quantity(plan.tokens)
            assert said[0].startswith(f"Train {size} on {tokens} tokens: ")
            assert f"loss {plan.loss:.3f} ({low:.2f} to {high:.2f})" in said[0]
        # the star of the first picture is not there at first, then stands at the plan, and at the size dragged to
        none, moved, dragged = ([trace for trace in stars if trace[2] == "markers+text"] for stars in seen["stars"])
        assert none == []
        plan = planned(report, second[2])
        assert [moved[0][0][0], moved[0][1][0]] == [
            pytest.approx(plan.params, rel=1e-3),
            pytest.approx(plan.loss, rel=1e-4),
        ]
        assert dragged[0][0][0] == pytest.approx(moved[0][0][0] * 1.02**25, rel=1e-6)
        assert dragged[0][1][0] > moved[0][1][0]
        assert seen["inside"]
        assert "wastes" in larger[0]
        assert back == second[:2]
        assert seen["scroll"] <= seen["width"]
        assert seen["beyond"] == 0


def test_it_stands_where_a_fit_has_a_law(study: StudyRecord, refused: FitReport, tmp_path: Path) -> None:
    assert budget_widgets(refused) == ()
    assert budget_widgets(None) == ()
    assert study.fit is not None
    assert study.plan is not None
    page = study_page(study)
    assert [widget.name for widget in page.widgets] == ["budget"]
    written = write_page(page, tmp_path / "report.html")
    assert written.stat().st_size < 2.2e6
    run = 'return act.page.querySelector("#budget output").textContent;'
    shown = seen_at(written, [(1400, "", run)], tmp_path)[0]
    assert float(shown) == pytest.approx(study.plan.budget_flops, rel=1e-2)
