"""A section's values, and how they are written."""

import json

import pytest

from isoflop.paper import Column, Compared, Grid, Section, Span, cell_text
from isoflop.paper.printed import Printed


def compared(published, ours):
    return Compared(what="x", published=Printed(text=published), ours=ours)


@pytest.mark.parametrize(
    ("published", "ours", "text"),
    [("0.50", 0.498, "same"), ("1.5T", 1.39e12, "-7.3 %"), ("1.26e24", 1.263e25, "+902 %"), ("20.2B", 20.15e9, "same")],
)
def test_a_difference_is_written_only_where_the_digits_differ(published, ours, text):
    assert compared(published, ours).texts()[3] == text


def test_a_difference_is_ours_over_the_printed_less_one():
    one = compared("2.0B", 2.5e9)
    assert one.difference == pytest.approx(0.25)
    assert not one.same_digits
    assert one.as_json() == {
        "what": "x", "published": 2e9, "published_text": "2.0B", "ours": 2.5e9, "difference": pytest.approx(0.25),
        "same_digits": False, "why": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "how", "text"),
    [
        (None, "quantity", "-"),
        ("words", "quantity", "words"),
        (1.4e12, "quantity", "1.4T"),
        (2.5272e24, "flops", "2.53e24"),
        (1.9738819, "loss", "1.9739"),
        (6.9e-5, "gap", "6.9e-5"),
        (0.0123, "gap", "0.0123"),
        (0.4970, "share", "49.7 %"),
        (0.49809, "exponent", "0.498"),
        (2143.417, "digits", "2143.42"),
        (7.319e10, "digits", "73.19B"),
        (Span(value=0.5139, low=0.48218, high=0.55641), "short", "0.5139 (0.4822 to 0.5564)"),
    ],
)
def test_cells_as_they_are_written(cell, how, text):
    assert cell_text(cell, how) == text


def test_a_grid_keeps_in_json_what_it_does_not_write():
    columns = (Column(name="rule", title="Rule"), Column(name="n", title="N", how="quantity"),
               Column(name="law", title="law", how="unwritten"))  # fmt: skip
    span = Span(value=2e9, low=1e9, high=3e9)
    grid = Grid(title="t", columns=columns, rows=(("a", 1e9, "hoffmann2022-1"), ("b", span, None)))
    assert grid.heads == ("Rule", "N")
    assert grid.words == (0,)
    assert grid.texts() == [("a", "1B"), ("b", "2B (1B to 3B)")]
    assert grid.as_json()["rows"] == [
        {"rule": "a", "n": 1e9, "law": "hoffmann2022-1"},
        {"rule": "b", "n": {"value": 2e9, "low": 1e9, "high": 3e9}, "law": None},
    ]


def test_a_section_counts_what_comes_out_to_every_digit():
    section = Section(
        name="s", title="t", source="p", lead="l", compared=(compared("0.50", 0.498), compared("0.50", 0.49))
    )
    assert section.same_digits == 1
    assert json.loads(json.dumps(section.as_json()))["missing"] is None
