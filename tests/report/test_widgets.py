"""A widget: its template, its script and its data are on the page, and it changes what is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, DictLoader

from isoflop.report import document
from isoflop.report.html import page_html, write_page
from isoflop.report.pages import study_page
from isoflop.report.panel import Widget
from isoflop.report.record import StudyRecord
from report.test_browser import console, open_pages

TEMPLATE = '<p class="told">{{ widget["values"].told }}</p>'
SCRIPT = """
root.querySelector(".told").textContent = data.word;
const drawing = page.drawings["isoflop-curves"];
drawing.layout.xaxis.title.text = "title of the widget";
page.redraw("isoflop-curves");
"""


@pytest.fixture
def widget(monkeypatch: pytest.MonkeyPatch) -> Widget:
    environment = document._environment()
    assert environment.loader is not None
    monkeypatch.setattr(environment, "loader", ChoiceLoader([DictLoader({"told.html": TEMPLATE}), environment.loader]))
    return Widget(
        name="budget",
        short="Budget",
        title="Another budget",
        template="told.html",
        values={"told": "<nothing yet>"},
        script=SCRIPT,
        data={"word": "</script>the word"},
    )


def test_it_stands_after_the_summary_and_is_escaped(study: StudyRecord, widget: Widget) -> None:
    page = page_html(replace(study_page(study), widgets=(widget,)))
    assert page.index('id="answer"') < page.index('<section id="budget"') < page.index('<section id="isoflop"')
    assert '<a href="#budget">Budget</a>' in page
    assert '<p class="told">&lt;nothing yet&gt;</p>' in page
    assert "\\u003c/script\\u003ethe word" in page


def test_its_script_reads_its_data_and_redraws_a_figure(study: StudyRecord, widget: Widget, tmp_path: Path) -> None:
    page = write_page(replace(study_page(study), widgets=(widget,)), tmp_path / "report.html")
    asked = '[page.querySelector(".told").textContent, page.querySelector("#isoflop-curves .xtitle").textContent]'
    measured, log = open_pages([page], tmp_path / "profile", asked)
    assert console(log) == []
    for seen in measured:
        assert seen["asked"] == ["</script>the word", "title of the widget"]
