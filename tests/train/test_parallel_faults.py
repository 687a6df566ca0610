"""Two processes on one run that are stopped, killed or started twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from waiting import finish, wait_until

from isoflop.corpus import Corpus
from isoflop.runs.folder import RunFolder
from isoflop.train.loop import Stopped, run
from train.test_parallel import StopAfter, spec_for


def start(folder: RunFolder, corpus: Corpus, program: Path | None = None) -> list[subprocess.Popen[str]]:
    """Two trainers, of `program` in their stead, as torchrun starts them: it would hide their exit codes behind its
    own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(2):
        of_torchrun = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        trainer = [str(program)] if program else ["-m", "isoflop.train"]
        command = [sys.executable, *trainer, str(folder.path), "--corpus", str(corpus.directory)]
        environment = {**os.environ, **of_torchrun, **where}
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    return started


def ends(processes: list[subprocess.Popen[str]]) -> tuple[list[int], list[str]]:
    """Exit codes and standard errors."""
    stderr = [finish(process)[1] for process in processes]
    return [process.returncode for process in processes], stderr


@pytest.fixture
def folder(tmp_path: Path, tiny_corpus: Corpus) -> RunFolder:
    """A spec that trains for minutes, logged every few steps."""
    return RunFolder.create(tmp_path, replace(spec_for(tiny_corpus), tokens=160 * 20_000))


def steps(folder: RunFolder) -> int:
    lines = folder.read_metrics().lines
    return int(lines[-1]["step"]) if lines else 0


def test_a_run_of_two_survives_signals_death_and_a_second_start(folder: RunFolder, tiny_corpus: Corpus) -> None:
    both = start(folder, tiny_corpus)
    wait_until(lambda: steps(folder) > 0, *both)

    codes, stderr = ends(start(folder, tiny_corpus))
    assert codes == [3, 3]
    assert f"process {both[0].pid} on" in stderr[0]
    assert "is working on it" not in stderr[1]

    both[1].send_signal(signal.SIGTERM)  # the second alone: the first must learn of it
    assert ends(both)[0] == [143, 143]
    saved = max(folder.checkpoints.glob("step-*"))
    lists = [json.loads(path.read_text()) for path in saved.glob("digests-0000*.json")]
    assert len(lists) == 2  # each process wrote those of its shards before the checkpoint was renamed
    assert {name for names in lists for name in names} == {path.name for path in saved.glob("*.safetensors")}
    assert folder.status() == "interrupted"

    both = start(folder, tiny_corpus)
    wait_until(lambda: len(folder.attempts()) == 2, *both)
    assert f"step-{folder.attempts()[1].from_step:08d}" == saved.name
    reached = steps(folder)
    wait_until(lambda: steps(folder) > reached, *both)
    both[1].kill()
    codes, _ = ends(both)
    assert codes[1] == -signal.SIGKILL
    assert codes[0] not in (0, 2, 3, 130, 143)
    assert folder.status() == "interrupted"

    with pytest.raises(Stopped):
        run(folder, tiny_corpus, StopAfter(2))
    assert folder.attempts()[2].from_step == folder.attempts()[1].from_step
    shutil.rmtree(folder.path)
