from __future__ import annotations

from dataclasses import replace

import pytest

from isoflop.compare import SetVerdict
from isoflop.report.comparison_words import headline, named, shortened
from report.compared import BETTER, BY_USUAL_SLOPE, EQUAL, NOT_TOLD, OUT_OF_REACH, WORSE, comparison


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
            "muon is worse than adamw: for the loss that muon reaches, adamw needs 0.800 times the compute "
            "(0.740 to 0.860, 90 %); the multiplier falls with compute, from 0.830 at 1.2e18 FLOPs to 0.770 at 1.9e19.",
        ),
        (
            replace(WORSE, verdict="cannot_tell"),
            "Whether muon is better than adamw cannot be told for all scales at once: the multiplier falls with "
            "compute, from 0.830 at 1.2e18 FLOPs to 0.770 at 1.9e19.",
        ),
        (
            OUT_OF_REACH,
            "muon is better than adamw: no compute that its runs speak for brings adamw to the loss of muon, and the "
            "loss of muon is 55 % lower (55 to 56 %, 90 %).",
        ),
        (
            NOT_TOLD,
            "Whether muon is better than adamw cannot be told: for the loss that muon reaches, adamw needs 1.020 times "
            "the compute (0.900 to 1.15, 90 %); about 7 further pairs would tell.",
        ),
        (
            BY_USUAL_SLOPE,
            "muon and adamw are equal within 2 % of the compute: for the loss that muon reaches, adamw needs 1.000 "
            "times the compute (0.980 to 1.020, 90 %), by the usual slope of language models, not by these runs.",
        ),
        (
            replace(NOT_TOLD, interval=None, pairs_needed=None),
            "Whether muon is better than adamw cannot be told: for the loss that muon reaches, adamw needs 1.020 times "
            "the compute; nothing tells how far apart two seeds are.",
        ),
        (
            EQUAL,
            "muon and adamw are equal within 2 % of the compute: for the loss that muon reaches, adamw needs 1.000 "
            "times the compute (0.980 to 1.020, 90 %).",
        ),
    ],
)
def test_the_headline_of_one_set_says_verdict_multiplier_and_interval(one: SetVerdict, sentence: str) -> None:
    assert headline(comparison(one)) == sentence


def test_sets_that_disagree_are_named_and_never_pooled() -> None:
    assert headline(comparison(BETTER, WORSE, OUT_OF_REACH, NOT_TOLD, EQUAL)) == (
        "muon against adamw depends on the evaluation set: better on c4 (1.31) and redpajama (out of reach); worse on "
        "ptb (0.800); equal on openlm (1.000); no verdict on falcon (1.020)."
    )


def test_sets_that_agree_give_the_least_and_the_largest_multiplier_with_their_names() -> None:
    more = replace(BETTER, name="val/ptb/0001.tar", multiplier=2.3)
    assert headline(comparison(BETTER, more)) == (
        "muon is better than adamw on both evaluation sets: for the loss that muon reaches, adamw needs 1.31 (c4) to "
        "2.30 (ptb) times the compute."
    )


def test_a_trend_that_sets_share_is_in_the_headline() -> None:
    both = [replace(WORSE, name=name, verdict="cannot_tell") for name in ("val/c4/0001.tar", "val/ptb/0001.tar")]
    assert headline(comparison(*both)) == (
        "Whether muon is better than adamw cannot be told on any of 2 evaluation sets; on each the multiplier falls "
        "with compute, from 0.830 at 1.2e18 FLOPs to 0.770 at 1.9e19 (c4)."
    )
    assert "on each" not in headline(comparison(both[0], replace(both[1], trend="holds")))


def test_without_a_common_set_nothing_is_claimed() -> None:
    assert "cannot be told: no evaluation set is common" in headline(comparison())


def test_names_lose_what_all_share_and_stay_apart() -> None:
    assert shortened(["eval/c4/loss", "eval/c4_en/loss"]) == {"eval/c4/loss": "c4", "eval/c4_en/loss": "c4_en"}
    assert shortened(["loss", "loss/b"]) == {"loss": "loss", "loss/b": "loss/b"}
    assert shortened(["ptb", "pile"]) == {"ptb": "ptb", "pile": "pile"}
    assert shortened(["loss"]) == {"loss": "loss"}


def test_reasons_name_the_recipes() -> None:
    text = "B is better: A needs 1.2 times the compute for B's loss, by a law of AB"
    assert named(text, comparison()) == (
        "muon is better: adamw needs 1.2 times the compute for muon's loss, by a law of AB"
    )
