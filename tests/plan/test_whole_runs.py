"""The two spreads of a duration are those of the published whole runs, and hold for runs that were left out."""

import importlib.util
import math
from pathlib import Path

import pytest

from isoflop.plan.run_time import RUN_OVER_STEPS, WHOLE_RUN_UTILIZATION, WHOLE_RUNS
from isoflop.plan.whole_runs import outside, spread_of, whole_runs

REPOSITORY = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("durations", REPOSITORY / "bench" / "durations.py")
BENCH = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(BENCH)
FITTED = [run for run in whole_runs() if run.attention == "fused"]
OVER_STEPS = [(run.group, run.device_hours / run.predicted_steps()) for run in FITTED]
SHARES = [(run.group, run.utilization) for run in FITTED]


@pytest.mark.parametrize(("ratios", "spread"), [(OVER_STEPS, RUN_OVER_STEPS), (SHARES, WHOLE_RUN_UTILIZATION)])
def test_a_spread_is_that_of_the_runs(ratios, spread):
    assert f"{len(ratios)} whole published runs of {len({group for group, _ in ratios})} families" in WHOLE_RUNS
    found = spread_of(ratios)
    made, stated = ((one.expected, one.low, one.high) for one in (found, spread))
    assert made == pytest.approx(stated, abs=5e-4)


@pytest.mark.parametrize("ratios", [OVER_STEPS, SHARES], ids=["steps", "utilization"])
@pytest.mark.parametrize("by_group", [False, True], ids=["runs", "groups"])
def test_of_runs_left_out_80_to_97_per_cent_are_inside(ratios, by_group):
    assert 0.80 <= 1 - len(outside(ratios, by_group=by_group)) / len(ratios) <= 0.97


def test_the_range_of_a_plan_covers_eight_runs_that_took_longer_than_their_steps():
    names = {
        "Llama 3 8B", "Llama 3 70B", "GLM-130B", "MiniCPM 2.4B", "SmolLM3 3B", "GPT-2 124M, nanoGPT", "A model of 92M",
        "LLaMA 65B",
    }  # fmt: skip
    runs = [run for run in whole_runs() if run.name in names]
    assert len(runs) == len(names)
    for run in runs:
        ratio = run.device_hours / run.predicted_steps()
        assert RUN_OVER_STEPS.low < ratio < RUN_OVER_STEPS.high, run.name


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("LLaMA 7B", 6.738), ("LLaMA 65B", 65.286), ("Llama 3 8B", 8.030), ("Llama 3.1 405B", 405.853),
        ("SmolLM3 3B", 3.075), ("BLOOM 176B", 176.247), ("PaLM 540B", 540.35), ("Falcon 180B", 179.5),
        ("BloombergGPT 50B", 50.6), ("StableLM 3B 4E1T", 2.795), ("Pythia 12B", 11.846), ("GLM-130B", 130),
    ],
)  # fmt: skip
def test_the_shapes_are_those_that_were_trained(name, billions):
    (run,) = [run for run in whole_runs() if run.name == name]
    assert run.architecture.params().total / 1e9 == pytest.approx(billions, rel=0.011)


def test_every_run_has_a_source_and_a_plausible_share_of_the_peak():
    for run in whole_runs():
        assert run.source, run.name
        assert 0.1 < run.utilization < 0.65, run.name


def test_what_was_not_found_is_said():
    runs = {run.name: run for run in whole_runs()}
    assert runs["A model of 92M"].assumed == ("shape", "batch by the rule of plans")
    assert runs["LLaMA 7B"].assumed == ("batch", "number of devices")
    assert runs["SmolLM3 3B"].assumed == ()
    assert runs["SmolLM3 3B"].read_in
    # counts that their publishers print, to the last parameter or digit
    published = {"StableLM 3B 4E1T": 2_795_443_200, "Granite 3.0 8B": 8_170_864_640, "SmolLM3 3B": 3_080_000_000}
    for name, count in published.items():
        assert runs[name].architecture.params().total == pytest.approx(count, rel=2e-3), name
    assert runs["MiniCPM 2.4B"].architecture.params().non_embedding == pytest.approx(2_442_057_984, rel=1e-4)


def test_a_group_counts_once():
    few, many = [("a", 1.0), ("b", 2.0), ("c", 4.0)], [("a", 1.0), ("b", 2.0), *(("c", 4.0),) * 7]
    assert spread_of(few).high == pytest.approx(spread_of(many).high)
    # three groups at 1, 2, 4: mean log 2, deviation log 2, t at 95 % with two degrees of freedom is 2.92
    reach = 2.919986 * math.log(2) * math.sqrt(4 / 3)
    assert spread_of(few).high == pytest.approx(2 * math.exp(reach), rel=1e-5)
    with pytest.raises(ValueError, match="three groups"):
        spread_of(few[:2])


def test_the_page_has_every_row_of_the_bench():
    rows = [f"| {BENCH.row(run)} |" for run in whole_runs()]
    assert not set(rows) - set((REPOSITORY / "docs" / "devices.md").read_text().splitlines())
