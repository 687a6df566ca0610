import os
import time

import pytest

from isoflop.runs.folder import RunFolder
from isoflop.runs.liveness import FIRST_SECONDS, LOOK_SECONDS, TIMEOUT_FACTOR, Liveness, timeout_seconds

from .conftest import small_spec


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_silence_adds_up_and_any_sign_ends_it(folder, clock):
    seen = Liveness(clock=clock)
    assert seen.idle_seconds(folder) == 0
    clock.now += 2
    assert seen.idle_seconds(folder) == 2
    clock.now += 3
    assert seen.idle_seconds(folder) == 5
    for sign in (
        lambda: folder.beat(step=1, tokens=64, train_loss_nats=2.0),
        lambda: folder.append_metrics([{"step": 1}]),
        lambda: folder.record_attempt(0),
        lambda: (folder.checkpoints / "step-00000005").mkdir(parents=True),
        lambda: (folder.checkpoints / "step-00000010").mkdir(parents=True),
    ):
        clock.now += 1
        time.sleep(0.01)  # the mtime of checkpoints/ is the only sign of a second checkpoint
        sign()
        assert seen.idle_seconds(folder) == 0
        clock.now += 1
        assert seen.idle_seconds(folder) == 1


def test_a_driver_that_slept_has_not_listened(folder, clock):
    seen = Liveness(clock=clock)
    seen.idle_seconds(folder)
    clock.now += 3600
    assert seen.idle_seconds(folder) == LOOK_SECONDS


def test_a_clock_that_jumps_is_not_silence_nor_a_sign_for_ever(folder, clock):
    seen = Liveness(clock=clock)
    folder.beat(step=1, tokens=64, train_loss_nats=2.0)
    os.utime(folder.heartbeat, (time.time() + 86400, time.time() + 86400))
    seen.idle_seconds(folder)
    clock.now += 4
    assert seen.idle_seconds(folder) == 4
    folder.beat(step=2, tokens=128, train_loss_nats=2.0, always=True)  # a day earlier than the last one
    assert seen.idle_seconds(folder) == 0


def test_too_long_follows_the_pace_of_the_run(tmp_path):
    folder = RunFolder.create(tmp_path / "runs", small_spec(steps=100))  # evaluates on as many tokens as a step has
    assert timeout_seconds(folder, 600) == FIRST_SECONDS
    folder.append_metrics([{"step": 10, "wall_seconds": 5000.0}])
    assert timeout_seconds(folder, 600) == TIMEOUT_FACTOR * 500 * 10
    folder.append_metrics([{"step": 20, "wall_seconds": 10000.0}, {"step": 24, "wall_seconds": 12000.0}])
    assert timeout_seconds(folder, 600) == TIMEOUT_FACTOR * 500 * 4
    folder.append_metrics([{"step": 25, "wall_seconds": "torn"}, {"step": 26}])
    assert timeout_seconds(folder, 600) == TIMEOUT_FACTOR * 500 * 4
    folder.append_metrics([{"step": 1000, "wall_seconds": 10.0}])
    assert timeout_seconds(folder, 600) == 600


def test_evaluation_is_part_of_the_pace(tmp_path):
    from dataclasses import replace

    spec = replace(small_spec(steps=100), eval_tokens=64 * 50)
    folder = RunFolder.create(tmp_path / "runs", spec)
    folder.append_metrics([{"step": 1, "wall_seconds": 2.0}, {"step": 2, "wall_seconds": 4.0}])
    assert timeout_seconds(folder, 60) == TIMEOUT_FACTOR * 2 * 50
