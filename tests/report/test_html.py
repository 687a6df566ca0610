from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from isoflop.errors import InputError
from isoflop.report import report_html, write_report


def own_part(page: str) -> str:
    """The page without plotly.js, whose text holds addresses that it does not ask for here."""
    start, end = page.index("<script>"), page.rindex("<script>")
    return page[:start] + page[end:]


def test_the_file_is_whole_and_asks_for_nothing(view: dict[str, Any]) -> None:
    page = report_html(view)
    assert page.count("plotly.js v") == 1
    own = own_part(page)
    assert not re.search(r"""(src|href|action)=["'](?!#|data:,)""", own)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest", own)
    assert "default-src 'none'" in own


def test_strings_from_outside_are_escaped(view: dict[str, Any]) -> None:
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    view["title"] = evil
    view["runs"][0]["run_id"] = evil
    view["runs"][0]["purposes"].append(evil)
    view["runs"][-5]["reason"] = evil
    view["notices"] = [{"code": "x", "message": evil}]
    view["fit"]["parametric"]["residuals"][0]["run_id"] = evil
    view["corpus"]["kind"] = evil
    view["conventions"]["params"] = "non_embedding"
    view["contest"]["planned"]["domains"][evil] = view["contest"]["planned"]["domains"]["dictionary"]
    view["contest"]["larger"]["domains"][evil] = view["contest"]["larger"]["domains"]["dictionary"]
    own = own_part(report_html(view))
    assert "<img" not in own
    assert "<script>alert" not in own
    assert own.count("</script>") == 2  # the drawings' JSON and the page's own; plotly.js is cut out with its tag


def test_it_is_replaced_whole(view: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(view, path) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_named(view: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        write_report(view, tmp_path / "file" / "report.html")


def test_panels_that_are_left_out_are_named(view: dict[str, Any]) -> None:
    view["contest"] = None
    page = own_part(report_html(view))
    assert 'id="contest"' not in page
    assert "Planned against larger: the two final runs are not both finished." in page


def test_the_real_fit_is_read(view: dict[str, Any]) -> None:
    """The names that fit/ writes are the names that are read here."""
    from isoflop.fit import fit_all
    from isoflop.laws import ComputeCost
    from isoflop.observations import Observations

    runs = [run for run in view["runs"] if "isoflop" in run["purposes"] and run["status"] == "done"]
    table = Observations.from_arrays(
        loss=[run["val_loss_nats"] for run in runs],
        N=[run["params"]["non_embedding"] for run in runs],
        D=[run["tokens"] for run in runs],
        C=[run["flops"] for run in runs],
        budget=[run["budget_flops"] for run in runs],
        run_id=[run["run_id"] for run in runs],
        params_convention="non_embedding",
        flops_convention="matmul",
    )
    cost = ComputeCost.from_pairs((run["params"]["non_embedding"], run["flops"] / run["tokens"]) for run in runs)
    curves = {run["run_id"]: tuple(view["curves"][run["run_id"]].values()) for run in runs}
    fit = fit_all(table, curves, cost=cost, draws=100).as_json()
    page = own_part(report_html({"schema": 1, "title": "a fit alone", "fit": fit}))
    for panel in ("isoflop", "scaling", "landscape", "surface", "residuals", "methods"):
        assert f'<section id="{panel}"' in page, panel
    for name in ("1 envelope", "2 isoFLOP", "3 parametric"):
        assert name in page, name
    assert "rgba(0,114,178,0.13)" in page  # the band of approach 1
