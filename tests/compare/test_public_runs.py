"""Answers on runs that others published; each is skipped where their data are not at hand."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isoflop.compare import (
    CompareOptions,
    FinalRun,
    SetVerdict,
    Side,
    SourceOptions,
    StatedSlope,
    compare_runs,
    noise_floor,
    noise_sides,
    two_sides,
)

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
OPTIMIZERS = DATA / "optimizer_runs" / "runs.jsonl"
OVERTRAINING = DATA / "overtraining" / "models_104.csv"
optimizers = pytest.mark.skipif(not OPTIMIZERS.exists(), reason="needs shared/data/optimizer_runs")
overtraining = pytest.mark.skipif(not OVERTRAINING.exists(), reason="needs shared/data/overtraining")

SLOPE = StatedSlope.per_step(0.0045 / 100, at_steps=3300, at_loss=3.278, source="the benchmark's rule")
BY_STEPS = CompareOptions(axis="data", slope=SLOPE)
C4, REFINEDWEB, REDPAJAMA = "c4_val", "paloma_falcon-refinedweb", "paloma_redpajama"


def optimizer_sides() -> dict[str, Side]:
    """{recipe: its runs}, all at the end of their own schedules."""
    runs = defaultdict(list)
    for line in OPTIMIZERS.read_text().splitlines():
        run = json.loads(line)
        steps, loss = run["curve"][-1]
        name = f"{run['recipe']} of {steps} steps"
        runs[name].append(FinalRun(name=f"{name}, {run['run']}", losses={"fineweb": loss}, steps=steps, finished=True))
    return {name: Side(name=name, runs=tuple(members)) for name, members in runs.items()}


def of_recipe(number: str) -> Side:
    found = [side for name, side in optimizer_sides().items() if name.startswith(f"recipe-{number} ")]
    assert len(found) == 1
    return found[0]


def part(side: Side, chosen: np.ndarray) -> Side:
    return Side(name=side.name, runs=tuple(side.runs[k] for k in chosen))


@optimizers
def test_halves_of_one_recipe_are_called_different_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(1)
    called = []
    for side in optimizer_sides().values():
        if len(side.runs) < 8:
            continue
        for _ in range(100):
            order = rng.permutation(len(side.runs))
            half = len(order) // 2
            verdict = compare_runs(part(side, order[:half]), part(side, order[half:]), BY_STEPS).sets[0]
            called.append(verdict.verdict in ("better", "worse"))
    assert len(called) >= 2000
    assert 0.08 <= np.mean(called) <= 0.12


@optimizers
def test_the_verdicts_are_those_of_the_benchmark() -> None:
    """By the noise of all recipes; the benchmark's rule counts the steps that a recipe saves at .0045 nats per 100."""
    options = CompareOptions(axis="data", slope=SLOPE, noise_from=tuple(optimizer_sides().values()))
    tuned = compare_runs(of_recipe("06"), of_recipe("12"), options).sets[0]
    assert tuned.verdict == "better"
    assert tuned.probability_above_1 is not None
    assert tuned.probability_above_1 > 0.999
    steeper = StatedSlope.per_step(0.0048 / 100, at_steps=3300, at_loss=3.278, source="the ends of its curves")
    for slope in (SLOPE, steeper):
        outer = compare_runs(of_recipe("11"), of_recipe("13"), replace(options, slope=slope)).sets[0]
        assert outer.verdict in ("equal", "cannot_tell")


@optimizers
@pytest.mark.parametrize("noise_of_all", [False, True])
def test_the_verdicts_hold_by_the_usual_slope_alone(tmp_path: Path, noise_of_all: bool) -> None:
    """The files of two recipes and nothing else stated; with the noise of their own runs, and with that of all."""
    lines = [line for line in OPTIMIZERS.read_text().splitlines() if line.strip()]
    for number in ("06", "12", "11", "13"):
        own = [line for line in lines if json.loads(line)["recipe"] == f"recipe-{number}"]
        (tmp_path / f"recipe-{number}.jsonl").write_text("\n".join(own))
    noise = noise_sides(OPTIMIZERS, SourceOptions()) if noise_of_all else ()

    def verdict(a: str, b: str) -> SetVerdict:
        paths = (tmp_path / f"recipe-{number}.jsonl" for number in (a, b))
        return compare_runs(*two_sides(*paths, SourceOptions()), CompareOptions(noise_from=noise)).sets[0]

    tuned, outer = verdict("06", "12"), verdict("11", "13")
    assert tuned.verdict == "better"
    assert outer.verdict in ("equal", "cannot_tell")
    assert tuned.slope_used is not None
    assert tuned.slope_used.usual
    assert tuned.slope_used.interval is not None
    # The benchmark's own slope is one of those that language models usually have.
    assert tuned.slope_used.interval[0] < SLOPE.per_log < tuned.slope_used.interval[1]


@optimizers
def test_the_noise_floor_is_that_of_the_source() -> None:
    floor = noise_floor(list(optimizer_sides().values()))
    assert round(floor.sd, 4) == 0.0012
    assert floor.interval is not None
    assert floor.interval[0] < floor.sd < floor.interval[1]
    assert floor.smallest_gain[1] / floor.smallest_gain[4] == pytest.approx(2)


def data_side(name: str) -> Side:
    """Runs with N without embeddings; those of a quarter of 20 tokens per parameter ended in their warm-up."""
    with OVERTRAINING.open() as file:
        rows = [row for row in csv.DictReader(file) if row["dataset_name"] == name]
    runs = []
    for row in rows:
        if float(row["chinchilla_multiplier"]) < 0.5:
            continue
        columns = {key: row[key] for key in row if key.startswith("loss[") and row[key]}
        losses = {
            short: float(value)
            for short in (C4, REFINEDWEB, REDPAJAMA)
            for key, value in columns.items()
            if short in key
        }
        params, tokens = float(row["params_no_embed"]), float(row["tokens"])
        runs.append(FinalRun(name=row["name"], losses=losses, params=params, tokens=tokens, finished=True))
    return Side(name=name, runs=tuple(runs))


@overtraining
@pytest.mark.parametrize(
    ("data", "on_c4", "on_refinedweb"), [("rpj", (0.5, 0.6), (1.8, 2.4)), ("rw_original", (0.56, 0.68), (1.9, 2.7))]
)
def test_a_data_set_is_worth_another_factor_on_each_evaluation_set(
    data: str, on_c4: tuple[float, float], on_refinedweb: tuple[float, float]
) -> None:
    found = sets_against_c4(data)
    for name, (low, high) in ((C4, on_c4), (REFINEDWEB, on_refinedweb)):
        multiplier = found[name].multiplier
        assert multiplier is not None
        assert low <= multiplier <= high
    assert found[C4].verdict == "worse"
    assert found[REFINEDWEB].verdict == "better"
    assert found[REFINEDWEB].trend == "grows"


@overtraining
def test_a_data_set_of_its_own_text_is_out_of_reach() -> None:
    verdict = sets_against_c4("rpj")[REDPAJAMA]
    assert not verdict.reachable
    assert verdict.multiplier is None
    assert verdict.verdict == "better"
    never = sum(cell.multiplier is None for cell in verdict.cells)
    assert never >= len(verdict.cells) / 2
    assert "does not reach" in verdict.reason
    assert verdict.runs_of_b == 31
    assert verdict.runs_not_reached is not None
    assert verdict.runs_not_reached >= 31 / 2
    assert verdict.median is None


@overtraining
@pytest.mark.parametrize(("data", "on_c4", "on_refinedweb"), [("rpj", 0.55, 2.1), ("rw_original", 0.62, 2.3)])
def test_the_headline_is_by_the_law_of_the_baseline_alone(data: str, on_c4: float, on_refinedweb: float) -> None:
    found = sets_against_c4(data)
    for name, expected, within in ((C4, on_c4, 0.05), (REFINEDWEB, on_refinedweb, 0.07)):
        one = found[name]
        assert one.own_law is not None
        assert one.runs_of_b == one.own_law.runs == 31
        assert one.multiplier == pytest.approx(expected, rel=within)
        assert one.interval is not None
        assert one.interval[0] < expected < one.interval[1]


def sets_against_c4(data: str) -> dict[str, SetVerdict]:
    found = compare_runs(data_side("c4_original"), data_side(data)).sets
    assert len(found) == 3
    return {each.name: each for each in found}
