"""The documentation site: it builds, every link leads somewhere, and nothing is fetched when it is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import isoflop

ROOT = Path(__file__).parents[1]
FETCHING = re.compile(r"""<(?:script|link|img)\b[^>]*?(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a warning, of a link too, is an error."""
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment, timeout=300)
    assert built.returncode == 0, built.stderr[-4000:]
    return folder


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = [*ROOT.glob("docs/*.md"), *ROOT.glob("bench/**/*.md")]
    for page in pages:
        where = page.relative_to(ROOT).with_suffix("")
        folder = where.parent if where.name == "README" else where
        assert (site / folder / "index.html").is_file(), page


def test_the_reference_has_every_public_name(site: Path) -> None:
    text = (site / "docs" / "reference" / "index.html").read_text()
    functions = {name: f"interactive.{name}.{name}" for name in isoflop._CALLABLE_ROOMS}
    names = [functions.get(name, name) for name in isoflop.__all__ if not name.startswith("__")]
    assert [name for name in names if f'id="isoflop.{name}"' not in text] == []


def test_marks_of_the_tests_are_not_shown(site: Path) -> None:
    assert "```" not in (site / "docs" / "planning" / "index.html").read_text()


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    found = {
        (page.parent.name, target)
        for page in site.rglob("*.html")
        for target in FETCHING.findall(page.read_text())
        if "rel=canonical" not in target
    }
    assert found == set()


def test_the_citation_names_this_version() -> None:
    assert f"version: {isoflop.__version__}\n" in (ROOT / "CITATION.cff").read_text()
