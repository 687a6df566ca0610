"""Out of memory in a step: with a real limit, on the CPU, and in one process of two."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from isoflop.corpus import Corpus
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.runs.out_of_memory import out_of_memory_events, record_out_of_memory
from isoflop.runs.result import RunResult
from isoflop.train.loop import run
from isoflop.train.memory import is_out_of_memory
from isoflop.train.process_group import join
from train.test_parallel import CLOSE, losses, spec_for
from train.test_parallel_faults import ends, start

LIMITED = Path(__file__).with_name("limited_job.py")
SHORT = Path(__file__).with_name("short_trainer.py")


def test_which_errors_mean_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("std::bad_alloc"))


class Limited:
    """Runs of five steps of 256 sequences in processes of their own."""

    def __init__(self, directory: Path, corpus: Corpus) -> None:
        self.directory, self.corpus = directory, corpus
        recipe = SmallRecipe(vocab_size=corpus.vocab_size, seq_len=64, eval_tokens=2048)
        recipe = replace(recipe, optimizer=replace(recipe.optimizer, hidden="adamw"))
        spec = recipe.spec(recipe.shape(32, 2), 5 * 64 * 256, corpus=corpus.digest, seed=0, budget_flops=5e9)
        self.spec = replace(spec, batch_tokens=64 * 256)

    def within(self, room: int, seq_len: int = 64) -> tuple[RunFolder, RunResult, str]:
        folder = RunFolder.create(self.directory / f"room-{room}", replace(self.spec, seq_len=seq_len))
        command = [sys.executable, str(LIMITED), str(folder.path), str(self.corpus.directory), str(room)]
        done = subprocess.run(command, capture_output=True, text=True)
        result = folder.read_result()
        assert result is not None, done.stderr
        return folder, result, done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its address space")
def test_a_step_that_does_not_fit_is_taken_in_parts(tmp_path: Path, tiny_corpus: Corpus) -> None:
    limited = Limited(tmp_path, tiny_corpus)
    _, free, taken = limited.within(0)
    assert (free.shortages, free.micro_batch_sequences) == (0, 256)

    folder, tight, _ = limited.within(int(taken) // 2)
    met = out_of_memory_events(folder.path)
    assert [shortage.micro_batch_sequences for shortage in met] == [256 // 2**i for i in range(len(met))]
    assert "can't allocate memory" in met[0].message
    assert (tight.status, tight.attempts) == ("done", 1)
    assert tight.shortages == len(met) > 0
    assert tight.micro_batch_sequences == 256 // 2 ** len(met)
    assert tight.val_loss_nats == pytest.approx(free.val_loss_nats, abs=1e-6)
    assert tight.train_loss_nats == pytest.approx(free.train_loss_nats, abs=1e-6)

    _, nothing, _ = limited.within(2**20, seq_len=64 * 256)  # one sequence a batch
    assert (nothing.status, nothing.reason, nothing.steps) == ("failed", "out_of_memory", 0)
    assert nothing.message.startswith("out of memory at step 0 with one sequence at a time: ")


def test_one_of_two_whose_memory_runs_out_ends_both_and_the_next_start_fits(
    tmp_path: Path, tiny_corpus: Corpus
) -> None:
    spec = spec_for(tiny_corpus)
    folder = RunFolder.create(tmp_path, spec)
    codes, stderr = ends(start(folder, tiny_corpus, SHORT))
    assert codes[1] == 4
    assert codes[0] not in (0, 2, 3, 130, 143)
    assert "out of memory at step 0 with 3 sequences at a time: made to run out; the next start takes 1" in stderr[1]
    assert folder.status() == "interrupted"
    (met,) = out_of_memory_events(folder.path)
    assert (met.step, met.micro_batch_sequences) == (0, 3)

    assert ends(start(folder, tiny_corpus, SHORT))[0] == [0, 0]
    result = folder.read_result()
    assert result is not None
    assert (result.status, result.shortages, result.micro_batch_sequences) == ("done", 1, 1)
    alone = RunFolder.create(tmp_path / "alone", spec)
    run(alone, tiny_corpus, lambda: False)
    assert losses(folder) == pytest.approx(losses(alone), abs=CLOSE)


def test_where_not_even_one_fitted_the_next_start_reports_it(tmp_path: Path, tiny_corpus: Corpus) -> None:
    folder = RunFolder.create(tmp_path, spec_for(tiny_corpus))
    group = join(folder.path, "cpu")
    record_out_of_memory(folder.path, group.launch, step=7, micro_batch_sequences=1, message="2 GiB")
    run(folder, tiny_corpus, lambda: False, group)
    result = folder.read_result()
    assert result is not None
    assert (result.status, result.reason) == ("failed", "out_of_memory")
    assert result.message == (
        "out of memory at step 7 with one sequence at a time: 2 GiB; another layout in launch.json may fit"
    )
