"""The ledger of this project's own studies: its page is made again, and its numbers stand where they come from."""

import re
from pathlib import Path

import pytest

from isoflop.ledger import read_ledger
from isoflop.report.ledger_markdown import ledger_markdown

ROOT = Path(__file__).parents[2]
ENTRIES = ROOT / "bench" / "ledger"
ADAPTIVE = ["adaptive-0", "adaptive-1", "adaptive-2"]
COMMAND = "isoflop ledger bench/ledger --markdown"


@pytest.fixture(scope="module")
def ledger():
    return read_ledger([ENTRIES])


def test_the_page_is_made_again_to_the_letter(ledger):
    assert ledger_markdown(ledger, COMMAND) == (ROOT / "docs" / "ledger.md").read_text()


def test_all_of_them_count(ledger):
    assert {entry.name: entry.why_not for entry in ledger.entries} == dict.fromkeys(
        [*ADAPTIVE, "family-gopher", "family-gpt", "family-llama", "family-palm", "seed-0", "seed-1", "seed-2"], ""
    )
    assert [entry.name for entry in ledger.entries if not entry.stated_only] == ["seed-0", "seed-1", *ADAPTIVE]


def test_each_number_stands_where_its_entry_says(ledger):
    pages = {name: (ROOT / name).read_text() for name in ("docs/families.md", "docs/measured.md")}
    for entry in ledger.entries:
        page = pages["docs/families.md" if entry.name.startswith("family") else "docs/measured.md"]
        low, high = entry.interval
        assert f"{entry.predicted:.3f} ({low:.3f} to {high:.3f}) | {entry.actual:.3f}, inside" in page, entry.name


def test_no_entry_names_a_place_of_a_machine():
    for path in ENTRIES.rglob("*"):
        if path.is_file():
            assert not re.search(r'"/\w|/home/|/root/|/tmp/', path.read_text(errors="replace")), path
