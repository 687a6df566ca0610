"""plotly.js, which the pages carry: the bundle that its record names, with its license."""

from __future__ import annotations

import hashlib
import re
import tomllib
from importlib.resources import files

from isoflop.report.html import page_html
from isoflop.report.pages import study_page
from isoflop.report.record import StudyRecord

ASSETS = files("isoflop.report").joinpath("assets")


def test_the_bundle_is_the_one_that_its_record_names() -> None:
    record = tomllib.loads(ASSETS.joinpath("plotly.toml").read_text(encoding="utf-8"))
    bundle = ASSETS.joinpath("plotly-cartesian.min.js").read_bytes()
    assert hashlib.sha256(bundle).hexdigest() == record["sha256"]
    found = re.search(rb"plotly\.js \(cartesian[^)]*\) v([\d.]+)", bundle[:300])
    assert found is not None
    assert found[1].decode() == record["version"]
    assert b"</script" not in bundle.lower()


def test_the_license_stays_in_the_page_and_in_the_package(study: StudyRecord) -> None:
    page = page_html(study_page(study))
    header = page[page.index("* plotly.js (cartesian") :][:300]
    assert "Copyright 2012-2026, Plotly, Inc." in header
    assert "Licensed under the MIT license" in header
    text = ASSETS.joinpath("plotly-LICENSE.txt").read_text(encoding="utf-8")
    assert text.startswith("MIT License")
    assert "shall be included in" in text


def test_a_page_of_a_study_has_at_most_two_megabytes_and_a_fifth(study: StudyRecord) -> None:
    assert len(page_html(study_page(study)).encode()) < 2.2e6
