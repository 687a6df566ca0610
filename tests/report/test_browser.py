"""The page in a real browser, without a network, in a window as wide as a phone and as wide as a desk."""

from __future__ import annotations

import csv
import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fit.designs import FIGURE

from isoflop.errors import Notice
from isoflop.fit import FitReport, Refused, fit_all
from isoflop.observations import Observations, read_observations
from isoflop.paper import all_sections
from isoflop.paper.refit import read_points
from isoflop.report.html import write_page
from isoflop.report.pages import fit_page, papers_page, study_page
from isoflop.report.record import StudyRecord
from report.fitted_tables import with_past_forecasts

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTHS = (390, 1400)
SHARED = Path(__file__).parents[3] / "shared" / "data"
PORIAN = {
    "dataset": "rw", "hparams": "tuned", "warmup": "short", "decay": "const", "param_count": "standard", "val": "val",
}  # fmt: skip
PANELS = {
    "isoflop", "scaling", "landscape", "proof", "watch", "contest", "training", "surface", "residuals", "rates", "runs",
}  # fmt: skip

# Frames give true widths (a headless window is never narrower than 500 pixels) and one start of the browser for both.
# What is measured goes into the document, which --dump-dom prints.
WRAPPER = """<!doctype html><meta charset="utf-8"><body>
%(frames)s
<pre id="measured"></pre>
<script>
const touching = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
  && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
function overlaps(drawing) {
  const texts = [...drawing.querySelectorAll(".xtick text, .ytick text, .xtitle, .ytitle, .annotation-text")]
    .filter((text) => text.textContent.trim()).map((text) => [text.textContent, text.getBoundingClientRect()]);
  const found = [];
  for (let i = 0; i < texts.length; i++)
    for (let j = i + 1; j < texts.length; j++)
      if (touching(texts[i][1], texts[j][1])) found.push(drawing.id + ": " + texts[i][0] + " / " + texts[j][0]);
  const box = drawing.getBoundingClientRect();
  for (const [text, at] of texts)
    if (at.left < box.left - 1 || at.right > box.right + 1 || at.top < box.top - 1 || at.bottom > box.bottom + 1)
      found.push(drawing.id + ": " + text + " / cut off");
  return found;
}
function measure(frame) {
  const page = frame.contentDocument, width = page.documentElement.clientWidth;
  const drawings = [...page.querySelectorAll(".drawing")];
  return {
    width: width,
    scroll_width: page.documentElement.scrollWidth,
    panels: [...page.querySelectorAll("section.panel")].map((panel) => panel.id),
    drawings: drawings.length,
    undrawn: drawings.filter((d) => !d.querySelector("svg.main-svg") || !d.querySelector(".trace, .contour"))
      .map((d) => d.id),
    beyond: [...page.querySelectorAll("section, figure, .drawing, .scroll, p, dl, h2")]
      .filter((e) => e.getBoundingClientRect().right > width + 1).map((e) => e.id || e.tagName + e.className),
    overlaps: drawings.flatMap(overlaps),
    picture_ends: page.getElementById("picture")
      ? page.querySelector("#picture .drawing").getBoundingClientRect().bottom : null,
    requests: frame.contentWindow.performance.getEntriesByType("resource").map((entry) => entry.name),
  };
}
async function ask(frame) {
  const window = frame.contentWindow, page = frame.contentDocument;
  return %(asked)s;
}
window.addEventListener("load", () => setTimeout(async () => {
  const found = [];
  for (const frame of document.querySelectorAll("iframe")) {
    try { found.push({ ...measure(frame), asked: await ask(frame) }); } catch (error) { console.error(error.stack); }
  }
  document.getElementById("measured").textContent = JSON.stringify(found);
}, 500));
</script>"""


def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    return found


def open_pages(pages: list[Path], profile: Path, asked: str = "null") -> tuple[list[dict[str, Any]], str]:
    """(what each page measured at each of WIDTHS, what the browser wrote to its console).

    `asked` is an expression in JavaScript of `page`, the document, and its `window`; what it comes to, awaited, is
    measured as "asked".
    """
    frames = "".join(
        f'<iframe src="{page.name}" style="width:{width}px;height:900px;border:0;display:block"></iframe>'
        for page in pages
        for width in WIDTHS
    )
    wrapper = pages[0].with_name("wrapper.html")
    wrapper.write_text(WRAPPER % {"frames": frames, "asked": asked}, encoding="utf-8")
    options = (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
        "--allow-file-access-from-files", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000",
        "--window-size=1500,1900", f"--user-data-dir={profile}", "--dump-dom",
    )  # fmt: skip
    ended = subprocess.run([browser(), *options, wrapper.as_uri()], capture_output=True, text=True, check=True)
    found = re.search(r'<pre id="measured">(.*?)</pre>', ended.stdout, re.S)
    assert found, ended.stderr[-2000:]
    assert found[1], ended.stderr[-2000:]
    return json.loads(html.unescape(found[1])), ended.stderr


def console(log: str) -> list[str]:
    return [line for line in log.splitlines() if "CONSOLE" in line]


def test_it_draws_at_both_widths_without_error_request_or_overlap(study: StudyRecord, tmp_path: Path) -> None:
    measured, log = open_pages([write_page(study_page(study), tmp_path / "report.html")], tmp_path / "profile")
    assert console(log) == []
    for width, seen in zip(WIDTHS, measured, strict=True):
        assert width - 20 <= seen["width"] <= width
        assert seen["scroll_width"] <= seen["width"], f"the page scrolls sideways at {width}"
        assert set(seen["panels"]) == PANELS
        assert seen["drawings"] == 16
        assert width < 1400 or seen["picture_ends"] <= 900, "the picture lies on the first screen"
        assert seen["undrawn"] == []
        assert seen["beyond"] == []
        assert seen["overlaps"] == []
        assert seen["requests"] == []


def test_a_study_that_has_just_begun_draws_too(study: StudyRecord, tmp_path: Path) -> None:
    begun = StudyRecord(
        title="a title of one very long word: " + "x" * 200,
        conventions=study.conventions,
        runs=study.runs[:6],
        curves=study.curves,
        learning_rate_checks=study.learning_rate_checks,
    )
    measured, log = open_pages([write_page(study_page(begun), tmp_path / "report.html")], tmp_path / "profile")
    assert console(log) == []
    for seen in measured:
        assert seen["scroll_width"] <= seen["width"]
        assert set(seen["panels"]) == {"isoflop", "training", "rates", "runs"}
        assert seen["undrawn"] == []
        assert seen["overlaps"] == []


FIT_PANELS = {"warnings", "left-out", "isoflop", "scaling", "constants", "surface", "residuals", "backtest"}


def assert_drawn(measured: list[dict[str, Any]], log: str) -> None:
    assert console(log) == []
    for width, seen in zip(WIDTHS * (len(measured) // len(WIDTHS)), measured, strict=True):
        assert seen["scroll_width"] <= seen["width"], f"the page scrolls sideways at {width}"
        assert seen["undrawn"] == []
        assert seen["beyond"] == []
        assert seen["overlaps"] == []
        assert seen["requests"] == []


def test_a_fit_alone_draws_at_both_widths_without_error_request_or_overlap(report: FitReport, tmp_path: Path) -> None:
    assert not isinstance(report.parametric, Refused)
    long = Notice(code="a_code", message="a sentence that does not end " * 9)
    warned = replace(report, parametric=replace(report.parametric, notices=(long,)))
    page = fit_page(with_past_forecasts(warned), "runs.csv")
    measured, log = open_pages([write_page(page, tmp_path / "fit.html")], tmp_path / "profile")
    assert_drawn(measured, log)
    for width, seen in zip(WIDTHS, measured, strict=True):
        assert set(seen["panels"]) == FIT_PANELS
        assert seen["drawings"] == 9
        assert width < 1400 or seen["picture_ends"] <= 900, "the picture lies on the first screen"


def test_a_fit_that_was_refused_has_no_empty_figure(refused: FitReport, tmp_path: Path) -> None:
    page = write_page(fit_page(refused, "ladder.csv"), tmp_path / "fit.html")
    measured, log = open_pages([page], tmp_path / "profile")
    assert_drawn(measured, log)
    assert all(seen["drawings"] == 1 for seen in measured), "the runs alone"


def published_runs(name: str) -> Observations:
    """A table of ../shared/data, as `isoflop fit` reads it; skips where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here: it holds published runs that are not part of this repository")
    if name == "chinchilla":
        return read_observations(SHARED / "chinchilla_svg" / "svg_extracted_data.csv")
    if name == "gemstones":
        file = SHARED / "gemstones" / "wandb_df_for_fitting_hot.jsonl"
        return read_observations(file, columns={"N": "params_active_precise", "run_id": "run_name"})
    with (SHARED / "porian" / "isoflop_points.csv").open() as lines:
        rows = [row for row in csv.DictReader(lines) if tuple(row[key] for key in PORIAN) == tuple(PORIAN.values())]
    columns = {"N": "orig_n", "D": "orig_t", "C": "flops", "loss": "orig_loss"}
    return Observations.from_rows(rows, columns=columns)


def test_published_runs_are_drawn(tmp_path: Path) -> None:
    drawn = {
        "chinchilla": {"scaling", "surface", "residuals"},
        "gemstones": {"surface"},
        "porian": {"isoflop", "scaling"},
    }
    pages = [
        write_page(fit_page(fit_all(published_runs(name), draws=40), name), tmp_path / f"{name}.html") for name in drawn
    ]
    measured, log = open_pages(pages, tmp_path / "profile")
    assert_drawn(measured, log)
    for seen, panels in zip(measured, [found for found in drawn.values() for _ in WIDTHS], strict=True):
        assert panels <= set(seen["panels"])


PAPER_PANELS = {
    "map", "losses", "rules", "optima", "table-a9", "table-2", "table-3", "table-a3", "sentences", "table-a4", "sizes",
    "compute", "throughput",
}  # fmt: skip


def test_the_papers_are_drawn_at_both_widths_without_error_request_or_overlap(tmp_path: Path) -> None:
    page = papers_page({one.name: one for one in all_sections(None)})
    measured, log = open_pages([write_page(page, tmp_path / "paper.html")], tmp_path / "profile")
    assert_drawn(measured, log)
    for seen in measured:
        assert set(seen["panels"]) == PAPER_PANELS
        assert seen["drawings"] == 7


def test_the_papers_are_drawn_with_the_points_of_figure_4(tmp_path: Path) -> None:
    refit = fit_all(read_points(FIGURE)[0], draws=40)
    page = papers_page({one.name: one for one in all_sections(FIGURE)}, refit)
    measured, log = open_pages([write_page(page, tmp_path / "paper.html")], tmp_path / "profile")
    assert_drawn(measured, log)
    for seen in measured:
        assert PAPER_PANELS | {"figure-4", "scaling", "surface", "residuals"} <= set(seen["panels"])
