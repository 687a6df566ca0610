from __future__ import annotations

from dataclasses import replace

import pytest

from isoflop.compare import Comparison, SetVerdict
from isoflop.report.comparison_words import (
    audit_table,
    headline,
    noise_facts,
    parts_table,
    reason_facts,
    saved_facts,
    set_table,
    shortened,
)
from report.compared import BETTER, EQUAL, NOT_TOLD, OUT_OF_REACH, WORSE, comparison


@pytest.mark.parametrize(
    ("one", "sentence"),
    [
        (
            BETTER,
            "muon is better than adamw: for the loss that muon reaches, adamw needs 1.31 times the compute "
            "(1.18 to 1.45, 90 %).",
        ),
        (
            WORSE,
            "muon is worse than adamw: for the loss that muon reaches, adamw needs 0.80 times the compute "
            "(0.74 to 0.86, 90 %).",
        ),
        (OUT_OF_REACH, "muon is better than adamw: no amount of compute brings adamw to the loss of muon."),
        (
            NOT_TOLD,
            "Whether muon is better than adamw cannot be told: the gap is within the noise of one pair; about 7 "
            "further pairs would tell.",
        ),
        (
            EQUAL,
            "muon and adamw are equal within 2 % of the compute: for the loss that muon reaches, adamw needs 1.00 "
            "times the compute (0.98 to 1.02, 90 %).",
        ),
    ],
)
def test_the_headline_of_one_set_says_verdict_multiplier_and_interval(one: SetVerdict, sentence: str) -> None:
    assert headline(comparison(one)) == sentence


def test_sets_that_disagree_are_named_and_never_pooled() -> None:
    assert headline(comparison(BETTER, WORSE, OUT_OF_REACH, NOT_TOLD, EQUAL)) == (
        "muon against adamw depends on the evaluation set: better on c4 (1.31) and redpajama (out of reach); worse on "
        "ptb (0.80); equal on openlm (1.00); not told on falcon (1.02)."
    )


def test_sets_that_agree_give_the_least_and_the_largest_multiplier_with_their_names() -> None:
    more = replace(BETTER, name="val/ptb/0001.tar", multiplier=2.3)
    assert headline(comparison(BETTER, more)) == (
        "muon is better than adamw on both evaluation sets: for the loss that muon reaches, adamw needs 1.31 (c4) to "
        "2.30 (ptb) times the compute."
    )


def test_without_a_common_set_nothing_is_claimed() -> None:
    assert "cannot be told: no evaluation set is common" in headline(comparison())


def test_names_lose_what_all_share_and_stay_apart() -> None:
    assert shortened(["eval/c4/loss", "eval/c4_en/loss"]) == {"eval/c4/loss": "c4", "eval/c4_en/loss": "c4_en"}
    assert shortened(["loss", "loss/b"]) == {"loss": "loss", "loss/b": "loss/b"}
    assert shortened(["ptb", "pile"]) == {"ptb": "ptb", "pile": "pile"}
    assert shortened(["loss"]) == {"loss": "loss"}


def test_the_table_has_a_row_a_set() -> None:
    table = set_table(comparison(BETTER, OUT_OF_REACH, NOT_TOLD))
    assert table.columns == ("evaluation set", "multiplier", "90 %", "slope in compute", "verdict")
    assert table.rows == (
        ("c4", "1.31", "1.18 to 1.45", "+0.010, holds", "better"),
        ("redpajama", "out of reach", "–", "–", "better"),
        ("falcon", "1.02", "0.90 to 1.15", "–", "cannot be told, 7 more pairs"),
    )


def test_what_differs_stands_alone_and_what_forbids_a_verdict_first() -> None:
    one = comparison(BETTER)
    table = audit_table(one)
    assert table is not None
    assert table.rows == (("peak learning rate", "0.003", "0.02"),)
    assert table.note == "2 of 3 things that were compared are equal."
    tokenizer = replace(one.audit[2], b="llama", equal=False)
    both = audit_table(replace(one, audit=(*one.audit[:2], tokenizer)))
    assert both is not None
    assert [row[0] for row in both.rows] == ["tokenizer", "peak learning rate"]
    assert audit_table(replace(one, audit=(one.audit[0],))) is None


def test_parts_and_noise_are_per_cent_and_nats() -> None:
    table = parts_table(comparison(BETTER, OUT_OF_REACH, NOT_TOLD))
    assert table is not None
    assert table.columns == ("evaluation set", "noise", "slope", "cells")
    assert table.rows == (("c4", "3 %", "2 %", "1 %"), ("falcon", "7 %", "–", "–"))
    floor, gain = noise_facts(comparison(BETTER).noise)
    assert floor.value.startswith("0.0012 nats per token: ")
    assert "40 runs of 8 recipes" in floor.value
    assert gain.value.endswith("1 pair 0.13 %, 2 pairs 0.09 %, 4 pairs 0.065 %, 8 pairs 0.046 %")


def test_savings_have_flops_share_interval_and_money() -> None:
    one = comparison(BETTER)
    share, money = saved_facts(one.saved, one)
    assert share.value == "24 % (15 % to 31 %) of the FLOPs of adamw: 2.4e20 FLOPs"
    assert money.value == "$1.23K"
    assert saved_facts(None, one) == []


def test_one_reason_for_all_sets_is_said_once() -> None:
    same: Comparison = comparison(BETTER, replace(BETTER, name="val/x/0001.tar"))
    assert [(fact.label, fact.value) for fact in reason_facts(same)] == [("Why", "the 90 % interval lies above 1")]
