"""The pages as a whole: which panels they have, whatever is missing, and that every drawing can be drawn."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from isoflop.errors import Notice
from isoflop.fit import FitReport, Refused
from isoflop.report.drawing import Drawing
from isoflop.report.html import page_html
from isoflop.report.pages import fit_page, study_page
from isoflop.report.panel import Absent, Page, Panel
from isoflop.report.record import StudyRecord
from report.fitted_tables import with_past_forecasts
from report.test_html import own_part

PARTS: dict[str, Any] = {
    "machine": None, "corpus": None, "recipe": {}, "runs": (), "curves": {}, "fit": None, "backtest": None,
    "learning_rate_checks": (), "plan": None, "forecast": None, "watch": None, "comparison": None, "notices": (),
}  # fmt: skip
"""{part of a study: its value before it is reached}."""


def shown(page: Page) -> list[str]:
    return [panel.name for panel in page.panels if isinstance(panel, Panel)]


def drawings(page: Page) -> list[Drawing]:
    return [drawing for panel in page.panels if isinstance(panel, Panel) for drawing in panel.drawings]


def test_a_finished_study_has_all_panels(study: StudyRecord) -> None:
    page = study_page(study)
    assert shown(page) == [
        "isoflop", "scaling", "landscape", "proof", "watch", "contest", "training", "surface", "residuals", "rates",
        "runs",
    ]  # fmt: skip
    assert len(drawings(page)) == 15


@pytest.mark.parametrize("missing", PARTS)
def test_a_study_without_a_part_leaves_panels_out_with_a_sentence(study: StudyRecord, missing: str) -> None:
    page = study_page(replace(study, **{missing: PARTS[missing]}))
    assert len(page.panels) == 11
    assert all(panel.sentence.endswith(".") for panel in page.panels if isinstance(panel, Absent))
    hidden = {
        "comparison": {"contest"},
        "watch": {"watch"},
        "learning_rate_checks": {"rates"},
        "fit": {"scaling", "surface", "residuals"},
    }
    assert hidden.get(missing, set()).isdisjoint(shown(page))


def test_a_study_that_has_only_begun_has_no_panel_and_a_sentence_for_each(study: StudyRecord) -> None:
    page = study_page(StudyRecord(title="new", conventions=study.conventions))
    assert len(page.panels) == 11
    assert all(isinstance(panel, Absent) for panel in page.panels)
    assert page.summary.sentences == ("Nothing is planned yet; what is known so far stands below.",)


def test_all_panels_of_a_fit_are_there(report: FitReport) -> None:
    assert not isinstance(report.parametric, Refused)
    warning = Notice(code="few_rows_decide", message="a row decides")
    warned = replace(report, parametric=replace(report.parametric, notices=(warning,)))
    page = fit_page(with_past_forecasts(warned), "runs.csv")
    assert shown(page) == [
        "warnings", "left-out", "isoflop", "scaling", "constants", "surface", "residuals", "backtest",
    ]  # fmt: skip
    assert [drawing.name for drawing in drawings(page)] == [
        "isoflop-curves", "scaling-params", "scaling-tokens", "loss-surface", "residuals-params", "residuals-tokens",
        "residuals-ratio", "backtest-forms",
    ]  # fmt: skip


def test_the_page_of_a_fit_has_nothing_of_a_study(report: FitReport) -> None:
    text = own_part(page_html(fit_page(report, "runs.csv")))
    text = re.sub("<script>.*?</script>", "", text[text.rindex("</style>") :], flags=re.DOTALL)
    for word in ("study", "planned", "validation loss", "learning-rate", "contest", "bytes unless"):
        assert word not in text.lower(), word
    for section in ("isoflop", "scaling", "constants", "surface", "residuals", "methods"):
        assert f'<section id="{section}"' in text


def test_a_refused_approach_stands_in_its_place_with_its_reason(refused: FitReport) -> None:
    page = fit_page(refused, "ladder.csv")
    assert isinstance(refused.parametric, Refused)
    assert any(refused.parametric.reason in sentence for sentence in page.summary.not_identified)
    assert page.summary.sentences == ("No approach could fit a law to these runs.",)
    assert {"surface", "residuals", "scaling", "backtest"}.isdisjoint(shown(page))
    assert "approach 2, isoFLOP vertices does not apply" in own_part(page_html(page))


def test_plotly_accepts_every_drawing(study: StudyRecord) -> None:
    import plotly.graph_objects as go

    for drawing in drawings(study_page(study)):
        figure = go.Figure(data=drawing.data, layout={**drawing.layout, **drawing.narrow})
        assert len(figure.data) == len(drawing.data), drawing.name


def test_drawings_are_finite_json_with_names_of_their_own(study: StudyRecord) -> None:
    found = drawings(study_page(study))
    assert len({drawing.name for drawing in found}) == len(found)
    for drawing in found:
        json.dumps([drawing.data, drawing.layout, drawing.narrow], allow_nan=False)


def test_every_axis_of_numbers_has_a_title_and_nothing_needs_webgl(study: StudyRecord) -> None:
    for drawing in drawings(study_page(study)):
        for axis in (drawing.layout["xaxis"], drawing.layout["yaxis"]):
            assert axis["title"]["text"] or axis["type"] == "category", drawing.name
        assert {trace["type"] for trace in drawing.data} <= {"scatter", "contour"}
        assert all(entry.label for entry in drawing.legend)
