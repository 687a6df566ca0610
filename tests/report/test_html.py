from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from isoflop.errors import InputError, Notice
from isoflop.fit import FitReport, Refused
from isoflop.observations import DroppedRow
from isoflop.report.html import page_html, write_page
from isoflop.report.pages import fit_page, study_page
from isoflop.report.record import ComparedModel, StudyRecord

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


def own_part(page: str) -> str:
    """The page without plotly.js, whose text holds addresses that it does not ask for here."""
    start = page.rindex("<script>", 0, page.index("* plotly.js (cartesian"))
    end = page.index("</script>", start) + len("</script>")
    return page[:start] + page[end:]


def test_the_file_is_whole_and_asks_for_nothing(study: StudyRecord) -> None:
    page = page_html(study_page(study))
    assert page.count("* plotly.js (cartesian") == 1
    own = own_part(page)
    assert not re.search(r"""(src|href|action)=["'](?!#|data:,)""", own)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest", own)
    assert "default-src 'none'" in own


def test_strings_from_outside_are_escaped(study: StudyRecord) -> None:
    assert study.corpus is not None
    assert study.comparison is not None
    assert study.fit is not None
    assert not isinstance(study.fit.parametric, Refused)

    def renamed(model: ComparedModel) -> ComparedModel:
        domains = {**model.run.domains, EVIL: model.run.domains["dictionary"]}
        return replace(model, run=replace(model.run, domains=domains))

    first, *rows = study.fit.parametric.residuals
    residuals = (replace(first, run_id=EVIL), *rows)
    run, *others = study.runs
    hostile = replace(
        study,
        title=EVIL,
        runs=(replace(run, run_id=EVIL, reason=EVIL), *others),
        notices=(Notice(code="x", message=EVIL),),
        fit=replace(study.fit, parametric=replace(study.fit.parametric, residuals=residuals)),
        corpus=replace(study.corpus, kind=EVIL),
        comparison=replace(
            study.comparison, planned=renamed(study.comparison.planned), larger=renamed(study.comparison.larger)
        ),
    )
    own = own_part(page_html(study_page(hostile)))
    assert own.count("&lt;img") > 5
    assert "<img" not in own
    assert "<script>alert" not in own
    # colours, figures and the widget's values as JSON, the theme, the page and the widget; plotly.js is cut out
    assert own.count("</script>") == 6


def test_strings_of_a_table_are_escaped(report: FitReport) -> None:
    assert not isinstance(report.parametric, Refused)
    first, *rows = report.parametric.residuals
    parametric = replace(
        report.parametric,
        residuals=(replace(first, run_id=EVIL), *rows),
        notices=(Notice(code=EVIL, message=EVIL),),
    )
    read = replace(report.observations, dropped=(DroppedRow(row=1, reason=EVIL),))
    own = own_part(page_html(fit_page(replace(report, parametric=parametric, observations=read), EVIL)))
    assert "<img" not in own
    assert "<script>alert" not in own


def test_it_is_replaced_whole(study: StudyRecord, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_page(study_page(study), path) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_named(study: StudyRecord, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        write_page(study_page(study), tmp_path / "file" / "report.html")


def test_panels_that_are_left_out_are_named(study: StudyRecord) -> None:
    page = own_part(page_html(study_page(replace(study, comparison=None))))
    assert 'id="contest"' not in page
    assert "Planned against larger: the two final runs are not both finished." in page


def test_all_three_approaches_are_drawn_with_their_bands(study: StudyRecord) -> None:
    page = own_part(page_html(study_page(study)))
    for panel in ("isoflop", "scaling", "landscape", "surface", "residuals", "methods"):
        assert f'<section id="{panel}"' in page, panel
    for name in ("1 envelope", "2 isoFLOP", "3 parametric"):
        assert name in page, name
    assert "rgba(0,114,178,0.13)" in page  # the band of approach 1
