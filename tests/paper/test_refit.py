"""Figure 4's points fitted again, beside Besiroglu et al. 2024; needs the public file."""

import json
from pathlib import Path

import pytest
from fit.designs import FIGURE

from isoflop.errors import InputError
from isoflop.paper import Span, section
from isoflop.paper.refit import HOW_TO_GET, figure_4, read_points

FACTS = Path(__file__).parents[3] / "shared" / "facts_golden.json"
# Fully converged optima of the summed Huber objective, and the objective at published constants, 240 and 245 rows.
OBJECTIVES = {
    "ours, least": (0.0010182740, 0.0018260105),
    "besiroglu2024": (0.00102284, 0.00193237),
    "besiroglu2024-notebook": (0.00101864, 0.00193090),
    "hoffmann2022-3": (0.00123116, 0.00232335),
    "hoffmann2022-3-rounded": (0.00412101, 0.00501798),
}
CONSTANTS = {
    "E": (1.817218, 1.891339), "A": (477.826, 495.726), "B": (2143.417, 12845.6),
    "alpha": (0.347310, 0.349313), "beta": (0.367172, 0.453049), "a": (0.51390, 0.56464),
}  # fmt: skip


@pytest.fixture(scope="module")
def found():
    if not FIGURE.is_file():
        pytest.skip(f"needs {FIGURE}")
    return section("figure-4", FIGURE)


def grid(found, start):
    (one,) = [one for one in found.grids if one.title.startswith(start)]
    return {row[0]: row[1:] for row in one.rows}


def test_constants_with_and_without_the_five_highest_losses(found):
    constants = grid(found, "Our constants")
    for name, pair in CONSTANTS.items():
        assert constants[name] == pytest.approx(pair, rel=2e-6 if name in ("E", "A") else 1e-5), name
    # 7.319e10 at Gopher's budget
    assert constants["best N"][0] == pytest.approx(7.319e10, rel=1e-4)
    if FACTS.is_file():
        golden = json.loads(FACTS.read_text())["refit_figure4_data"]
        for k, rows in enumerate(("240", "245")):
            for name in ("A", "B", "E", "alpha", "beta"):
                assert constants[name][k] == pytest.approx(golden[rows][name], rel=1e-5)


def test_objectives_at_ours_and_at_published_constants(found):
    objectives = grid(found, "Objective")
    assert set(objectives) == set(OBJECTIVES)
    for name, pair in OBJECTIVES.items():
        assert objectives[name] == pytest.approx(pair, abs=6e-11 if name == "ours, least" else 6e-9), name
    assert all(min(column) == column[0] for column in zip(*objectives.values(), strict=True))


def test_intervals_are_as_wide_as_besiroglu_et_al_s_and_not_as_table_2_s(found):
    spans = {name: cells[-1] for name, cells in grid(found, "Standard errors").items()}
    # the notebook's 95 % intervals
    published = {"E": (1.769, 1.871), "A": (285.2, 743.6), "alpha": (0.317, 0.373), "beta": (0.331, 0.415)}
    for name, (low, high) in published.items():
        own = spans[name]
        assert isinstance(own, Span)
        assert (own.high - own.low) / (high - low) == pytest.approx(1, abs=0.1), name
    at_80 = spans["a, 80 %"]
    # 0.454 to 0.455 in Table 2
    assert at_80.low > 0.455
    assert 40 < (at_80.high - at_80.low) / 0.001 < 60


def test_140b_is_inside_the_interval_of_the_refit(found):
    ours = {name: cells[0] for name, cells in grid(found, "140B on 3T").items()}
    assert ours["best N"].low < 140e9 < ours["best N"].high
    assert ours["best D"].low < 3e12 < ours["best D"].high
    assert 6 * ours["best N"].value * ours["best D"].value == pytest.approx(2.5272e24)
    assert 0 < ours["gap of 140B on 3T"].value < 2e-4


def test_without_points_it_says_how_to_get_them():
    found = figure_4(None)
    assert not found.compared
    assert not found.grids
    assert found.missing == HOW_TO_GET
    assert "svg_extracted_data.csv" in HOW_TO_GET


def test_other_rows_are_refused_with_their_number(tmp_path):
    file = tmp_path / "runs.csv"
    file.write_text("params,tokens,loss\n1e9,2e10,2.5\n2e9,4e10,2.4\n")
    with pytest.raises(InputError, match=r"expected the 245 points of Figure 4 .* got 2 usable rows"):
        read_points(file)
