"""bench/picture.py cuts the README's picture out of a report."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from isoflop.report.html import page_html, write_page
from isoflop.report.pages import study_page
from isoflop.report.record import StudyRecord
from report.test_browser import browser

SCRIPT = Path(__file__).parents[2] / "bench" / "picture.py"


@pytest.fixture(scope="module")
def picture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("picture", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_picture_is_taken(study: StudyRecord, picture: ModuleType, tmp_path: Path) -> None:
    browser()
    picture.take(write_page(study_page(study), tmp_path / "report.html"), tmp_path / "docs" / "report.png")
    written = (tmp_path / "docs" / "report.png").read_bytes()
    assert written[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(written[16:20], "big") == picture.WIDTH * picture.SCALE
    # An empty page of this size compresses to a tenth of that.
    assert len(written) > 60_000


def test_a_report_without_a_picture_is_refused(study: StudyRecord, picture: ModuleType) -> None:
    with pytest.raises(ValueError, match="first picture"):
        picture.picture_page(page_html(study_page(replace(study, runs=()))))
