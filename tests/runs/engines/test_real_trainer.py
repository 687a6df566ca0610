"""The local engine with the trainer that people use: one scenario, since each start of a worker imports torch anew."""

import os
import signal
import sys
from contextlib import closing
from pathlib import Path

import pytest
from waiting import wait_until

from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.runs.driver import execute
from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.folder import RunFolder
from isoflop.runs.parallel_config import parallel_config_file
from isoflop.runs.run_index import RunIndex

from ..step_driver import hold, release

HELD_TRAINER = Path(__file__).parents[1] / "held_trainer.py"
pytest.importorskip("torch", reason="the trainer needs the extra `train`")


def test_stopped_then_killed_then_done_equals_the_unbroken_run(tiny_corpus, tmp_path):
    recipe = SmallRecipe(vocab_size=tiny_corpus.vocab_size, seq_len=32, eval_tokens=512)
    spec = recipe.spec(recipe.shape(16, 1), 100_000, corpus=tiny_corpus.digest, seed=0, budget_flops=1e9)
    battered, unbroken = (RunFolder.create(tmp_path / name, spec) for name in ("battered", "unbroken"))
    kills = []

    def kill_once(event):
        if event.kind == "progress" and event.folder == battered and not kills:
            kills.append(event.heartbeat.pid)
            os.kill(event.heartbeat.pid, signal.SIGKILL)
            release(battered)

    command = [sys.executable, str(HELD_TRAINER), "--worker", "--corpus", str(tiny_corpus.directory)]
    hold(battered, spec.steps // 2)
    with closing(LocalEngine(workers=1, logs=tmp_path / "logs", command=command)) as engine:
        engine.start(battered)
        wait_until(battered.read_heartbeat)
        engine.stop()
        assert battered.status() == "interrupted", battered.log.read_text() if battered.log.exists() else "no log"
        hold(battered, spec.steps * 3 // 4)
        run_index = RunIndex(tmp_path / "study.db", tmp_path / "battered")
        one, other = execute([battered, unbroken], engine, run_index, on_event=kill_once)
    assert kills
    assert (one.attempts, other.attempts, one.threads) == (3, 1, 1)
    assert [attempt.from_step > 0 for attempt in battered.attempts()] == [False, True, True]
    assert one.val_loss_nats == other.val_loss_nats
    assert one.train_loss_nats == other.train_loss_nats
    assert [line["train_loss_nats"] for line in battered.read_metrics().lines if "train_loss_nats" in line] == [
        line["train_loss_nats"] for line in unbroken.read_metrics().lines if "train_loss_nats" in line
    ]


def test_all_that_is_wrong_with_a_launch_is_reported(tiny_corpus, tmp_path):
    recipe = SmallRecipe(vocab_size=tiny_corpus.vocab_size, seq_len=32, eval_tokens=512)
    spec = recipe.spec(recipe.shape(16, 1), 20_000, corpus=tiny_corpus.digest, seed=0, budget_flops=1e9)
    folder = RunFolder.create(tmp_path / "runs", spec)
    parallel_config_file(folder.path).write_text('{"schema": 1, "recompute": "some", "products": "int3"}')
    engine = LocalEngine(workers=1, logs=tmp_path / "logs", corpus=tiny_corpus.directory)
    with closing(engine), pytest.raises(InputError) as refusal:
        execute([folder], engine, RunIndex(tmp_path / "study.db", tmp_path / "runs"), on_event=lambda event: None)
    for word in ("launch.json", "recompute", "products"):
        assert word in str(refusal.value)


def test_memory_that_runs_out_is_a_row_with_a_reason(tiny_corpus, tmp_path, monkeypatch):
    import torch

    from isoflop.train import step
    from isoflop.train.loop import run

    recipe = SmallRecipe(vocab_size=tiny_corpus.vocab_size, seq_len=32, eval_tokens=512)
    folder = RunFolder.create(
        tmp_path, recipe.spec(recipe.shape(16, 1), 20_000, corpus=tiny_corpus.digest, seed=0, budget_flops=1e9)
    )

    def out_of_memory(*arguments, **settings):
        raise torch.OutOfMemoryError("tried to allocate 2.00 GiB")

    monkeypatch.setattr(step, "gradient", out_of_memory)
    run(folder, tiny_corpus, lambda: False)
    result = folder.read_result()
    assert (result.status, result.reason, result.val_loss_nats) == ("failed", "out_of_memory", None)
    assert result.message == "out of memory at step 0 with one sequence at a time: tried to allocate 2.00 GiB"
