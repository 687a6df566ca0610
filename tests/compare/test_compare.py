import math
import time
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from compare.drawn_comparisons import BASE, GRID, Condition, shifted
from isoflop.compare import CompareOptions, FinalRun, Side, StatedSlope, compare_runs
from isoflop.compare.result import Axis
from isoflop.errors import InputError, RefusedError
from isoflop.laws import ChinchillaLaw


def side(name: str, losses: list[float], **known: float) -> Side:
    runs = tuple(FinalRun(name=f"{name}{k}", losses={"c4": loss}, **known) for k, loss in enumerate(losses))
    return Side(name=name, runs=runs)


A = side("a", [3.010, 3.004, 3.007, 3.002], params=1e8, tokens=2e9)
B = side("b", [2.981, 2.985, 2.978, 2.984], params=1e8, tokens=2e9)


MANY = side("b", [2.981, 2.985, 2.978, 2.984, 2.99, 2.982, 2.979, 2.983], params=1e8, tokens=2e9)


@pytest.mark.parametrize(("b", "alike"), [(B, True), (MANY, False)])
def test_one_cell_is_a_t_test_of_ln_loss(b: Side, alike: bool) -> None:
    """Student's between like numbers of runs, Welch's between unlike ones."""
    verdict = compare_runs(A, b).sets[0]
    logs = [np.log([run.losses["c4"] for run in each.runs]) for each in (A, b)]
    oracle = stats.ttest_ind(*logs, equal_var=alike)
    assert verdict.gap == pytest.approx(logs[0].mean() - logs[1].mean())
    assert verdict.gap_interval == pytest.approx(tuple(oracle.confidence_interval(0.9)), rel=1e-6)
    assert verdict.probability_above_1 == pytest.approx(1 - oracle.pvalue / 2, rel=1e-6)
    assert verdict.verdict == "better"
    assert verdict.slope_used is not None
    assert verdict.slope_used.usual
    assert "usual slope of language models" in verdict.reason


def test_a_stated_slope_makes_the_multiplier() -> None:
    slope = StatedSlope(per_log=0.05, source="a law")
    verdict = compare_runs(A, B, CompareOptions(slope=slope)).sets[0]
    assert verdict.gap is not None
    assert verdict.gap_interval is not None
    assert verdict.multiplier == pytest.approx(math.exp(verdict.gap / 0.05))
    assert verdict.interval == pytest.approx(tuple(math.exp(end / 0.05) for end in verdict.gap_interval), rel=1e-3)
    assert "a law" in verdict.reason


def test_exchanged_sides_give_the_inverse() -> None:
    options = CompareOptions(slope=StatedSlope(per_log=0.05, sd=0.01, source="a law"))
    one, other = compare_runs(A, B, options).sets[0], compare_runs(B, A, options).sets[0]
    assert one.multiplier is not None
    assert one.interval is not None
    assert other.multiplier is not None
    assert other.interval is not None
    assert one.multiplier * other.multiplier == pytest.approx(1, abs=1e-12)
    assert one.interval[0] * other.interval[1] == pytest.approx(1, abs=1e-9)
    assert other.verdict == "worse"


def test_one_run_a_side_without_noise_cannot_tell() -> None:
    verdict = compare_runs(side("a", [3.0]), side("b", [2.9])).sets[0]
    assert verdict.verdict == "cannot_tell"
    assert verdict.gap_interval is None
    assert "one run a side" in verdict.reason


def test_the_noise_of_others_decides_one_pair() -> None:
    one, other = side("a", [3.0], params=1e8, tokens=2e9), side("b", [2.9], params=1e8, tokens=2e9)
    assert compare_runs(one, other, CompareOptions(noise_from=(A, B))).sets[0].verdict == "better"


def test_no_common_set_and_no_common_cell_are_refused() -> None:
    other = Side(name="b", runs=(FinalRun(name="b", losses={"pile": 2.9}),))
    with pytest.raises(RefusedError, match="no evaluation set in common"):
        compare_runs(A, other)
    with pytest.raises(RefusedError, match="size and length"):
        compare_runs(A, side("b", [2.9], params=1e9, tokens=2e9))


def test_two_tokenizers_are_refused() -> None:
    one = Side(name="a", runs=A.runs, tokenizer="gpt2")
    with pytest.raises(RefusedError, match="tokenizer: gpt2 against llama"):
        compare_runs(one, Side(name="b", runs=B.runs, tokenizer="llama"))


def test_bad_values_are_listed_together() -> None:
    runs = (FinalRun(name="x", losses={"c4": -1.0}), FinalRun(name="y", losses={"c4": 3.0}, tokens=0.0))
    with pytest.raises(InputError, match="2 problems"):
        Side(name="a", runs=runs)


def grid(name: str, law: ChinchillaLaw, *, noise: float = 0.001, seeds: int = 1, **sets: float) -> Side:
    """Runs of 15 cells; `sets` are further evaluation sets whose losses are so much higher."""
    rng = np.random.default_rng(len(name))
    runs = []
    for N, D in GRID:
        for seed in range(seeds):
            loss = float(law.loss(N, D)) * math.exp(noise * rng.standard_normal())
            losses = {"val": loss} | {key: loss + more for key, more in sets.items()}
            runs.append(FinalRun(name=f"{name} {N:g} {D:g} {seed}", losses=losses, params=N, tokens=D, finished=True))
    return Side(name=name, runs=tuple(runs))


BETTER = shifted(params=1.25, tokens=1.25)


TRUTH = math.exp(Condition(name="", b=BETTER, cells=GRID).truth())
"""The mean over the cells of what the baseline needs along its frontier, by both laws: 1.25 squared, but for the cells
away from the frontier, where a factor on both terms is worth a little more or less."""


def test_a_factor_on_sizes_and_tokens_is_a_factor_on_compute() -> None:
    assert pytest.approx(1.25**2, rel=1e-3) == TRUTH
    exact = compare_runs(grid("a", BASE, noise=0), grid("b", BETTER, noise=0)).sets[0]
    assert exact.multiplier == pytest.approx(TRUTH, rel=1e-9)
    assert exact.constant
    noisy = compare_runs(grid("a", BASE, seeds=2), grid("bb", BETTER, seeds=2)).sets[0]
    assert noisy.interval is not None
    assert noisy.interval[0] < TRUTH < noisy.interval[1]
    assert noisy.trend == "holds"
    assert noisy.verdict == "better"


@pytest.mark.parametrize("axis", ["compute", "data"])
def test_exchanged_sides_of_a_fitted_law_give_the_inverse(axis: Axis) -> None:
    asked = CompareOptions(axis=axis)
    a, b = grid("a", BASE, seeds=2), grid("bb", shifted(tokens=1.2), seeds=2)
    one, other = compare_runs(a, b, asked).sets[0], compare_runs(b, a, asked).sets[0]
    assert one.multiplier is not None
    assert other.multiplier is not None
    assert one.multiplier * other.multiplier == pytest.approx(1, abs=1e-12)
    assert one.interval is not None
    assert other.interval is not None
    assert one.interval[0] * other.interval[1] == pytest.approx(1, abs=1e-9)


def test_tokens_at_fixed_size_on_the_axis_of_data() -> None:
    a, b = grid("a", BASE, noise=0), grid("b", shifted(tokens=0.8), noise=0)
    verdict = compare_runs(a, b, CompareOptions(axis="data")).sets[0]
    assert verdict.multiplier == pytest.approx(0.8, rel=1e-9)
    assert verdict.verdict == "worse"


def test_time_is_compute_over_throughput() -> None:
    a, b = grid("a", BASE, noise=0), grid("b", BETTER, noise=0)
    slower = CompareOptions(axis="time", throughput_ratio=0.5)
    assert compare_runs(a, b, slower).sets[0].multiplier == pytest.approx(TRUTH / 2, rel=1e-9)
    with pytest.raises(RefusedError, match="seconds of the runs are not known"):
        compare_runs(a, b, CompareOptions(axis="time"))


def test_each_set_has_its_own_answer() -> None:
    found = compare_runs(grid("a", BASE, code=0.0), grid("b", BETTER, code=0.4))
    assert [each.name for each in found.sets] == ["val", "code"]
    assert [each.verdict for each in found.sets] == ["better", "worse"]
    assert "several_sets" in [notice.code for notice in found.notices]


def test_savings_are_those_of_the_line_at_the_planned_run() -> None:
    a, b = grid("a", BASE, seeds=2), grid("bb", BETTER, seeds=2)
    found = compare_runs(a, b, CompareOptions(at=1e22, dollars_per_flop=1e-18))
    assert found.saved is not None
    assert found.saved.interval is not None
    assert found.saved.interval[0] < 1 - 1 / 1.25**2 < found.saved.interval[1]
    assert found.saved.flops == pytest.approx(found.saved.share * 1e22)
    assert found.saved.money == pytest.approx(found.saved.flops * 1e-18)
    assert found.saved.extrapolated_by > 30
    near = compare_runs(a, b, CompareOptions(at=1e19)).saved
    assert near is not None
    assert near.interval is not None
    assert near.interval[1] - near.interval[0] < found.saved.interval[1] - found.saved.interval[0]


def test_a_mean_is_not_carried_to_a_planned_run() -> None:
    """Of one compute nothing says how the multiplier moves."""
    found = compare_runs(A, B, CompareOptions(slope=StatedSlope(per_log=0.05, source="a law"), at=1e22))
    assert found.saved is None
    assert "no_savings" in [notice.code for notice in found.notices]


def test_the_floor_carries_the_answer_and_is_shown_at_three_values() -> None:
    verdict = compare_runs(grid("a", BASE, seeds=2), grid("bb", BETTER, seeds=2)).sets[0]
    low, middle, high = verdict.pinned
    assert low.floor < middle.floor < high.floor
    assert middle.multiplier == pytest.approx(verdict.multiplier, rel=0.02)
    assert low.multiplier != high.multiplier


def test_the_best_of_several_variants_is_shrunk() -> None:
    a, b = grid("a", BASE, seeds=2), grid("bb", shifted(tokens=1.02), seeds=2)
    verdict = compare_runs(a, b, CompareOptions(variants=20)).sets[0]
    assert verdict.shrunk is not None
    assert verdict.multiplier is not None
    assert 1 <= verdict.shrunk < verdict.multiplier
    assert compare_runs(a, b).sets[0].shrunk is None


def test_unequal_lengths_are_compared_through_a_slope() -> None:
    shorter = side("b", [2.995, 3.001, 2.998, 3.002], params=1e8, tokens=1.5e9)
    through = compare_runs(A, shorter, CompareOptions(axis="data", slope=StatedSlope(per_log=0.05, source="a law")))
    gap = through.sets[0].gap
    assert gap is not None
    assert through.sets[0].multiplier == pytest.approx(math.exp(gap / 0.05) * 2e9 / 1.5e9)
    longer = side("b", [2.981, 2.985, 2.978, 2.984], params=1e8, tokens=3e9)
    verdict = compare_runs(A, longer).sets[0]
    # Half as many tokens again are worth more than the .8 % of loss that they brought.
    assert verdict.verdict == "worse"
    assert verdict.slope_used is not None
    assert verdict.slope_used.usual
    assert verdict.gap_at_equal_length is not None
    assert verdict.gap is not None
    usual = 0.059 * (math.sqrt(20 * 30) / 20) ** -0.27
    assert verdict.gap_at_equal_length == pytest.approx(verdict.gap + usual * math.log(2 / 3))
    assert verdict.multiplier == pytest.approx(math.exp(verdict.gap_at_equal_length / usual))
    # Who is better with less is better.
    assert compare_runs(longer, A).sets[0].verdict == "better"
    fewer = side("b", [2.981, 2.985, 2.978, 2.984], params=1e8, tokens=1.5e9)
    assert compare_runs(A, fewer).sets[0].verdict == "better"


def test_the_pairs_that_would_tell_follow_from_the_noise_and_the_gap() -> None:
    one, other = side("a", [3.000, 3.004], params=1e8, tokens=2e9), side("b", [3.001, 2.999], params=1e8, tokens=2e9)
    verdict = compare_runs(one, other).sets[0]
    assert verdict.verdict in ("equal", "cannot_tell")
    wide = side("b", [3.03, 2.96], params=1e8, tokens=2e9)
    needing = compare_runs(one, wide).sets[0]
    logs = [np.log([run.losses["c4"] for run in each.runs]) for each in (one, wide)]
    variance = (np.var(logs[0], ddof=1) + np.var(logs[1], ddof=1)) / 2
    gap = logs[0].mean() - logs[1].mean()
    assert needing.verdict == "cannot_tell"
    assert needing.pairs_needed == math.ceil(2 * (1.6448536 + 0.8416212) ** 2 * variance / gap**2)


def test_no_number_of_pairs_tells_what_changes_with_compute() -> None:
    """B is worse at the small cell and better at the large one, by much more than the noise."""

    def runs(name: str, *losses: tuple[float, float]) -> Side:
        cells = ((1e8, 2e9), (4e8, 8e9))
        return Side(
            name=name,
            runs=tuple(
                FinalRun(name=f"{name}{k}{N:g}", losses={"c4": pair[i]}, params=N, tokens=D, label=str(k))
                for k, pair in enumerate(losses)
                for i, (N, D) in enumerate(cells)
            ),
        )

    a = runs("a", (3.000, 2.700), (3.004, 2.697), (3.002, 2.703))
    b = runs("b", (3.036, 2.668), (3.035, 2.664), (3.040, 2.666))
    verdict = compare_runs(a, b).sets[0]
    assert verdict.verdict == "cannot_tell"
    assert verdict.trend == "grows"
    assert verdict.cells[0].multiplier < 1 < verdict.cells[1].multiplier
    assert verdict.pairs_needed is None
    assert "pairs" not in verdict.reason.split("grows with compute")[1]


def test_300_runs_take_less_than_a_second() -> None:
    a, b = grid("a", BASE, seeds=10), grid("bb", BETTER, seeds=10)
    started = time.process_time()
    compare_runs(a, b)
    assert time.process_time() - started < 1


def test_lengths_without_sizes_are_said_to_count_as_one_size() -> None:
    def runs(name: str, **params: float) -> Side:
        known = [(100.0, 3.2), (100.0, 3.21), (400.0, 3.0), (400.0, 3.01)]
        made = (FinalRun(name=f"{name}{k}", losses={"c4": x}, steps=n, **params) for k, (n, x) in enumerate(known))
        return Side(name=name, runs=tuple(made))

    def codes(a: Side, b: Side) -> set[str]:
        return {notice.code for notice in compare_runs(a, b).notices}

    assert "sizes_unknown" in codes(runs("a"), runs("b"))
    assert "sizes_unknown" not in codes(runs("a", params=1e8), runs("b", params=1e8))
    one = side("a", [3.2, 3.21], steps=100.0)
    assert "sizes_unknown" not in codes(one, replace(one, name="b"))
