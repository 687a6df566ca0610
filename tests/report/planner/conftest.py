"""The planner page, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from isoflop.report.planner.page import planner_page, write_planner_page


@pytest.fixture(scope="session")
def planner_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the published laws."""
    return write_planner_page(planner_page(), tmp_path_factory.mktemp("planner") / "planner.html")
