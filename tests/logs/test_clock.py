"""Seconds of training from what logs say of time: counts, times of steps, timestamps; restarts and pauses left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isoflop.compare import CompareOptions, Side, compare_runs
from isoflop.logs import LoggedRun, LogOptions, read_logs
from isoflop.logs.final import final_row
from logs.toy_run import GOLDEN, toy


def only(path: Path) -> LoggedRun:
    runs = read_logs([path])
    assert len(runs) == 1
    return runs[0]


def last_seconds(run: LoggedRun) -> float:
    assert run.seconds is not None
    return float(run.seconds.values[-1])


@pytest.mark.parametrize(
    ("library", "seconds"),
    [
        ("megatron", 50 * 0.0625),  # elapsed time per iteration (ms): 62.5
        ("nanogpt", 50 * 0.0125),  # time 12.50ms
        ("modded_nanogpt", 5.0),  # train_time:5000ms
    ],
)
def test_fixtures_have_the_seconds_that_they_state(library: str, seconds: float) -> None:
    run = only(GOLDEN / library / "toy")
    assert last_seconds(run) == pytest.approx(seconds)
    assert final_row(run).seconds == pytest.approx(seconds)


@pytest.mark.parametrize("library", ["huggingface", "tensorboard", "mlflow", "mlflow_database", "wandb"])
def test_fixtures_of_libraries_have_rising_seconds(library: str) -> None:
    run = only(GOLDEN / library / "toy")
    assert run.seconds is not None
    assert np.all(np.diff(run.seconds.values) >= 0)
    assert run.seconds.steps[-1] == toy.STEPS[-1]
    assert last_seconds(run) > 0


def test_a_log_without_time_has_no_seconds() -> None:
    assert only(GOLDEN / "lightning" / "toy").seconds is None


def torchtitan(folder: Path, stamps: dict[int, str]) -> LoggedRun:
    lines = [
        f"[titan] 2025-03-01 {stamp} - root - INFO - step: {step}  loss:  {5 - step / 100:.5f}  grad_norm: 0.5"
        for step, stamp in stamps.items()
    ]
    file = folder / "toy.log"
    file.write_text("\n".join(lines) + "\n")
    return only(file)


def test_timestamps_of_lines_are_time_without_pauses(tmp_path: Path) -> None:
    steady = {10 * k: f"10:00:{k:02d},500" for k in range(1, 6)}
    run = torchtitan(tmp_path, steady)
    assert last_seconds(run) == pytest.approx(5.0)
    # A night between two lines is a queue or a stop, and counts as the steps usually take.
    paused = steady | {50: "22:13:20,000", 60: "22:13:21,000"}
    run = torchtitan(tmp_path, paused)
    assert last_seconds(run) == pytest.approx(6.0)
    assert "pauses_left_out" in [notice.code for notice in run.notices]


def test_steps_that_a_restart_repeats_are_counted_once(tmp_path: Path) -> None:
    lines = ["step,loss,elapsed_seconds"]
    lines += [f"{step},{5 - step / 100},{step / 10}" for step in (10, 20, 30, 40)]
    lines += [f"{step},{5 - step / 100},{(step - 20) / 10}" for step in (30, 40, 50)]  # again from the checkpoint of 20
    file = tmp_path / "toy.csv"
    file.write_text("\n".join(lines) + "\n")
    assert last_seconds(only(file)) == pytest.approx(5.0)


def test_a_restart_does_not_make_timestamps_longer(tmp_path: Path) -> None:
    titan = "[titan] 2025-03-01 10:00:{:02d},000 - root - INFO - step: {}  loss:  {:.5f}  grad_norm: 0.5"
    first = [titan.format(k, 10 * k, 5 - k / 10) for k in (1, 2, 3, 4)]
    again = [titan.format(5 + k, 10 * k, 5 - k / 10) for k in (3, 4, 5)]
    start = "[titan] 2025-03-01 10:00:06,000 - root - INFO - Training starts at step 21"
    file = tmp_path / "toy.log"
    file.write_text("\n".join([*first, start, *again]) + "\n")
    assert last_seconds(only(file)) == pytest.approx(5.0)


def test_a_sampled_step_that_evaluates_is_no_usual_one(tmp_path: Path) -> None:
    times = [900.0, *[100.0] * 9, 30_000.0, *[100.0] * 9]
    lines = [f"iter {10 * k}: loss {5 - k / 100:.4f}, time {time:.2f}ms, mfu 30.00%" for k, time in enumerate(times)]
    file = tmp_path / "toy.log"
    file.write_text("\n".join(lines) + "\n")
    assert last_seconds(only(file)) == pytest.approx(190 * 0.1)


def test_logs_without_stated_throughputs_are_compared_along_time() -> None:
    """nanoGPT's steps of 12.5 ms against Megatron's of 62.5 ms, at the same losses: a factor of five in time."""
    options = LogOptions(params={"toy": toy.PARAMS})
    fast, slow = (Side.from_logs(name, read_logs([GOLDEN / name / "toy"], options)) for name in ("nanogpt", "megatron"))
    found = compare_runs(slow, fast, CompareOptions(axis="time")).sets[0]
    assert found.multiplier == pytest.approx(5.0)
