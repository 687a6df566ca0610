from __future__ import annotations

from dataclasses import replace

from isoflop.compare import Comparison, OwnLaw, PinnedFloor, SlopeUsed
from isoflop.report.comparison_tables import (
    basis_facts,
    next_facts,
    noise_facts,
    parts_table,
    saved_facts,
    set_table,
    slope_table,
)
from report.compared import BETTER, BY_USUAL_SLOPE, NOT_TOLD, OUT_OF_REACH, comparison


def test_the_table_has_a_row_a_set() -> None:
    table = set_table(comparison(BETTER, OUT_OF_REACH, NOT_TOLD))
    assert table.columns == ("evaluation set", "multiplier", "90 %", "slope in compute", "loss", "verdict")
    assert table.rows == (
        ("c4", "1.31", "1.18 to 1.45", "+0.010, holds", "–", "better"),
        ("redpajama", "out of reach", "–", "–", "−55 %", "better"),
        ("falcon", "1.020", "0.900 to 1.15", "–", "–", "cannot be told, 7 more pairs"),
    )


def test_the_slope_has_its_interval_and_the_multiplier_for_other_floors() -> None:
    floors = tuple(
        PinnedFloor(floor=floor, multiplier=times) for floor, times in ((1.5, 1.2), (1.7, 1.31), (1.8, None))
    )
    used = SlopeUsed(source="a law of 18 runs", value=0.048, interval=(0.04, 0.056))
    table = slope_table(comparison(replace(BETTER, pinned=floors, slope_used=used, shrunk=1.25)))
    assert table is not None
    assert table.columns == (
        "evaluation set", "slope of the loss", "lowest E", "fitted E", "highest E", "as the best",
    )  # fmt: skip
    assert table.rows == (("val/c4/0001.tar", "0.048 (0.04 to 0.056)", "1.5: 1.20", "1.7: 1.31", "1.8: –", "1.25"),)
    assert "a law of 18 runs" in table.note
    assert slope_table(comparison(BETTER)) is None


def test_parts_and_noise_are_per_cent_and_nats() -> None:
    table = parts_table(comparison(BETTER, OUT_OF_REACH, NOT_TOLD))
    assert table is not None
    assert table.columns == ("evaluation set", "noise", "slope", "cells")
    assert table.rows == (("c4", "3 %", "2 %", "1 %"), ("falcon", "7 %", "–", "–"))
    floor, gain = noise_facts(comparison(BETTER).noise)
    assert floor.value.startswith("0.0012 nats per token: ")
    assert "40 runs in 8 groups" in floor.value
    assert gain.value.endswith("1 pair 0.13 %, 2 pairs 0.09 %, 4 pairs 0.065 %, 8 pairs 0.046 %")


def test_savings_have_flops_share_interval_and_money() -> None:
    one = comparison(BETTER)
    (saved,) = saved_facts(one)
    assert saved.value == "24 % (15 to 31 %) of the FLOPs of adamw: 2.4e20 FLOPs, $1.23K"
    assert saved_facts(replace(one, saved=None)) == []


def test_one_basis_of_all_sets_is_said_once() -> None:
    same: Comparison = comparison(BETTER, replace(BETTER, name="val/x/0001.tar"))
    facts = [(fact.label, fact.value) for fact in basis_facts(same)]
    assert facts == [("Rests on", "3 cells with 9 and 9 runs")]


def test_losses_at_equal_length_are_said() -> None:
    (fact,) = basis_facts(comparison(BY_USUAL_SLOPE))
    assert fact.value.endswith("at equal length of training the loss of muon is 0.05 % lower (0.02 to 0.1 %, 90 %)")


def test_what_cannot_be_told_has_its_reason() -> None:
    first, second = basis_facts(comparison(BETTER, NOT_TOLD))
    assert (first.label, first.value) == ("Rests on", "c4: 3 cells with 9 and 9 runs")
    assert (second.label, second.value) == ("", "falcon: the gap is within the noise of one pair")


def test_what_would_tell_is_said_with_its_options() -> None:
    assert next_facts(comparison(BETTER)) == []
    (needed,) = next_facts(comparison(BETTER, NOT_TOLD))
    assert needed.value.startswith("7 more pairs of runs")
    blind = replace(BY_USUAL_SLOPE, verdict="cannot_tell", gap_interval=None)
    seeds, slope = next_facts(comparison(blind))
    assert "--noise-from" in seeds.value
    assert "--slope" in slope.value


def test_an_answer_by_the_law_of_the_baseline_says_so_and_has_one_number() -> None:
    own = replace(
        BETTER,
        own_law=OwnLaw(multiplier=1.31, interval=(1.18, 1.45), runs=9, runs_not_reached=2),
        median=1.31,
        runs_of_b=9,
        runs_not_reached=2,
        slope_used=SlopeUsed(source="the law of A alone, fitted to 9 runs", value=0.06),
    )
    (fact,) = basis_facts(comparison(own, a="adamw", b="muon"))
    assert fact.value == (
        "the median of 9 runs of muon, each solved by the law of adamw alone, fitted to 9 runs; adamw does not reach 2 "
        "of the 9 runs of muon, which count as the largest"
    )
    table = slope_table(comparison(own, a="adamw", b="muon"))
    assert table is not None
    assert "by the law of adamw alone" in table.note
