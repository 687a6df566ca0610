"""Runs that ended in their warm-up are no final points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isoflop.compare import Side, SourceOptions, compare_runs, two_sides
from isoflop.errors import InputError
from isoflop.logs import LoggedRun
from isoflop.logs.run import Series, Setting

STEPS = np.arange(10.0, 1001.0, 10.0)


def run(name: str, rates: np.ndarray | None = None, last: float = 1000.0, **settings: Setting) -> LoggedRun:
    steps = STEPS[last >= STEPS]
    return LoggedRun(
        name=name,
        source="made",
        settings=settings,
        params=1e6,
        tokens=Series(steps=steps, values=steps * 1e4),
        evaluations={"val": Series(steps=steps, values=4 - steps / 1000)},
        learning_rate=None if rates is None else Series(steps=steps, values=rates[: len(steps)]),
    )


def cosine(warm: float) -> np.ndarray:
    return np.where(warm > STEPS, STEPS / warm, 0.5 * (1 + np.cos(np.pi * (STEPS - warm) / (1000 - warm))))


def left_out(*runs: LoggedRun) -> list[str]:
    side = Side.from_logs("a", runs)
    return [notice.message for notice in side.notices if notice.code == "ended_in_warm_up"]


@pytest.mark.parametrize("setting", ["warmup_steps", "warmup_iters", "lr_warmup_iters", "num_warmup_steps", "warmup"])
def test_a_stated_warm_up_that_is_longer_than_the_run(setting: str) -> None:
    settings: dict[str, Setting] = {setting: 300.0}
    found = left_out(run("long", **settings), run("short", last=200, **settings))
    assert len(found) == 1
    assert found[0].startswith("short")
    assert "200 of 300 steps" in found[0]


def test_a_warm_up_in_tokens_and_one_as_a_share() -> None:
    assert len(left_out(run("long"), run("short", last=200, warmup_tokens=3e6))) == 1
    assert left_out(run("long", warmup=0.1), run("short", last=200, warmup_ratio=0.03)) == []


def test_a_rate_that_still_rises() -> None:
    found = left_out(run("long", cosine(100)), run("short", cosine(400), last=300))
    assert len(found) == 1
    assert "still rising" in found[0]


def test_a_rate_that_ends_at_its_peak_where_the_others_decayed() -> None:
    constant = np.ones(len(STEPS))
    decayed = [run(f"decayed-{k}", cosine(100)) for k in range(3)]
    found = left_out(*decayed, run("flat", constant))
    assert len(found) == 1
    assert "3 other runs decayed" in found[0]
    assert left_out(*(run(f"flat-{k}", constant) for k in range(3))) == []


def test_a_recipe_without_decay_is_told_apart_by_the_audit() -> None:
    flat = Side.from_logs("flat", [run(f"flat-{k}", np.ones(len(STEPS))) for k in range(2)])
    cosines = Side.from_logs("cosine", [run(f"cosine-{k}", cosine(100)) for k in range(2)])
    row = next(each for each in compare_runs(flat, cosines).audit if each.what == "learning rate at the end")
    assert not row.equal
    assert row.a == "100 % of its peak"
    assert "decay" in row.remark


def test_rows_of_a_table_tell_by_their_batch(tmp_path: Path) -> None:
    lines = ["recipe,run,params,tokens,loss,warmup_steps,batch_tokens"]
    for recipe in ("a", "b"):
        for k, tokens in enumerate((1e7, 1e8, 4e8)):
            lines.append(f"{recipe},{recipe}{k},1e6,{tokens},{4 - 0.2 * k},50,500000")
    file = tmp_path / "runs.csv"
    file.write_text("\n".join(lines) + "\n")
    a, _ = two_sides(file, file, SourceOptions())
    assert "ended_in_warm_up" in [notice.code for notice in a.notices]
    assert {each.tokens for each in a.runs} == {1e8, 4e8}


def test_a_side_of_such_runs_alone_is_refused() -> None:
    with pytest.raises(InputError, match="warm-up"):
        Side.from_logs("a", [run("short", last=200, warmup_steps=300.0)])
