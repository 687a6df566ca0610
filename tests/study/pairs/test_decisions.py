"""What is said of lost pairs, and decisions.json."""

from dataclasses import replace

from isoflop.digest import read_with_digest
from isoflop.study.pairs.decisions import Decisions, LookFound, PairLosses


def pair(seed: int, loss_a: float | None, loss_b: float | None) -> PairLosses:
    return PairLosses(cell=0, seed=seed, a=f"a{seed}", b=f"b{seed}", loss_a=loss_a, loss_b=loss_b)


WHOLE = Decisions(a="adamw", b="muon", pairs=(pair(0, 2.0, 1.9), pair(1, 2.0, 1.9)))


def test_pairs_that_a_side_lost_are_said_with_their_side():
    assert WHOLE.lost_notices == ()
    lost = replace(WHOLE, pairs=(*WHOLE.pairs, pair(2, 2.0, None), pair(3, 2.0, None)))
    (notice,) = lost.lost_notices
    assert notice.code == "pairs_lost"
    assert "muon in 2 of 4 pairs" in notice.message
    assert "adamw" not in notice.message
    both = replace(lost, pairs=(*lost.pairs, pair(4, None, 1.9)))
    assert "adamw in 1 and muon in 2 of 5 pairs" in both.lost_notices[0].message


def test_decisions_are_kept_with_their_digest(tmp_path):
    look = LookFound(pairs=3, level=0.9, verdict="better", multiplier=1.4, interval=(1.2, 1.6))
    decided = replace(WHOLE, rates={"a": {0.5: 2.1, 1.0: 2.0, 2.0: None}}, looks=(look,), stopped="verdict")
    decided.save(tmp_path / "decisions.json")
    value = read_with_digest(tmp_path / "decisions.json")
    assert value["rates"]["a"] == {"0.5": 2.1, "1.0": 2.0, "2.0": None}
    assert value["looks"][0]["interval"] == [1.2, 1.6]
    assert (value["stopped"], value["schema"]) == ("verdict", 1)
