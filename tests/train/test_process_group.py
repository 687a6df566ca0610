"""Shares of a batch: every sequence once, and equally many chunks in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.arch.layout import Layout
from isoflop.errors import InputError
from isoflop.runs.parallel_config import ParallelConfig, write_parallel_config
from isoflop.train.process_group import SINGLE_PROCESS, ProcessGroup, join, on_all_ranks


@given(
    data=st.integers(1, 3),
    sharded=st.integers(1, 4),
    tensor=st.integers(1, 3),
    sequences=st.integers(1, 40),
    at_a_time=st.none() | st.integers(1, 9),
)
def test_every_sequence_is_taken_once_by_each_tensor_rank(
    data: int, sharded: int, tensor: int, sequences: int, at_a_time: int | None
) -> None:
    launch = ParallelConfig(layout=Layout(data=data, sharded=sharded, tensor=tensor), micro_batch_sequences=at_a_time)
    turns = [ProcessGroup(launch=launch, rank=rank).micro_batches(sequences) for rank in range(launch.layout.devices)]
    assert len({len(of_rank) for of_rank in turns}) == 1
    taken = [i for of_rank in turns for first, last in of_rank for i in range(first, last)]
    assert sorted(taken) == sorted(list(range(sequences)) * tensor)
    longest = max(last - first for of_rank in turns for first, last in of_rank)
    assert longest <= (at_a_time or -(-sequences // (data * sharded)))
    # processes of one tensor group compute the same sequences
    assert all(turns[rank] == turns[rank - rank % tensor] for rank in range(len(turns)))


def test_a_group_of_one_takes_the_batch_at_once_without_communication() -> None:
    assert SINGLE_PROCESS.micro_batches(7) == [(0, 7)]
    assert SINGLE_PROCESS.all_reduce_sum(2, 3) == [2, 3]
    assert on_all_ranks(lambda: "done") == "done"
    assert (SINGLE_PROCESS.is_main, SINGLE_PROCESS.device_description) == (True, "cpu")

    def refuses() -> None:
        raise InputError("no")

    with pytest.raises(InputError):
        on_all_ranks(refuses)


def test_the_device_of_a_result_names_their_number() -> None:
    assert (
        ProcessGroup(launch=ParallelConfig(layout=Layout(sharded=2, tensor=4)), device="cuda:3").device_description
        == "8 x cuda"
    )


def test_one_process_takes_a_launch_of_one_and_no_other(tmp_path: Path) -> None:
    assert join(tmp_path, "cpu") == SINGLE_PROCESS
    launch = ParallelConfig(micro_batch_sequences=2)
    write_parallel_config(tmp_path, launch)
    assert join(tmp_path, "cpu").launch == launch
    write_parallel_config(tmp_path, ParallelConfig(layout=Layout(tensor=2)))
    with pytest.raises(InputError, match="over 2 processes, this start has 1; start torchrun with --nproc-per-node 2"):
        join(tmp_path, "cpu")


def test_a_worker_is_alone_whatever_started_its_study() -> None:
    command = [sys.executable, "-m", "isoflop.train", "--worker"]
    torchruns = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    ended = subprocess.run(command, input="", env={**os.environ, **torchruns}, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_one_process_loads_nothing_of_many() -> None:
    code = "import sys, isoflop.train.loop as _; print([m for m in sys.modules if m.startswith('isoflop.train.')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "isoflop.train.loop" in loaded
    assert "isoflop.train.parallel" not in loaded  # DTensors take a second to import, a worker's start two
    assert "isoflop.train.sharded_checkpoint" not in loaded
