from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from isoflop.arch.layout import Layout
from isoflop.runs.out_of_memory import (
    config_after_out_of_memory,
    out_of_memory_events,
    out_of_memory_file,
    record_out_of_memory,
    smallest_failure,
)
from isoflop.runs.parallel_config import ParallelConfig

LAUNCH = ParallelConfig(layout=Layout(sharded=2), recompute="full")


def met(folder: Path, sequences: int, launch: ParallelConfig = LAUNCH) -> None:
    record_out_of_memory(folder, launch, step=3, micro_batch_sequences=sequences, message="tried to allocate 2 GiB")


def test_nothing_was_short(tmp_path: Path) -> None:
    assert (
        out_of_memory_events(tmp_path),
        smallest_failure(tmp_path, LAUNCH),
        config_after_out_of_memory(tmp_path, LAUNCH),
    ) == ((), None, LAUNCH)


def test_the_next_start_takes_half_of_the_fewest_that_did_not_fit(tmp_path: Path) -> None:
    for sequences in (8, 4, 5):
        met(tmp_path, sequences)
    assert [shortage.micro_batch_sequences for shortage in out_of_memory_events(tmp_path)] == [8, 4, 5]
    assert out_of_memory_events(tmp_path)[0].step == 3
    assert out_of_memory_events(tmp_path)[0].message == "tried to allocate 2 GiB"
    assert config_after_out_of_memory(tmp_path, LAUNCH) == replace(LAUNCH, micro_batch_sequences=2)
    assert config_after_out_of_memory(tmp_path, replace(LAUNCH, micro_batch_sequences=16)).micro_batch_sequences == 2
    assert config_after_out_of_memory(tmp_path, replace(LAUNCH, micro_batch_sequences=1)).micro_batch_sequences == 1


def test_less_than_one_sequence_there_is_not(tmp_path: Path) -> None:
    met(tmp_path, 1)
    assert config_after_out_of_memory(tmp_path, LAUNCH).micro_batch_sequences == 1


def test_another_launch_may_fit(tmp_path: Path) -> None:
    met(tmp_path, 8, replace(LAUNCH, recompute="none"))
    met(tmp_path, 8, replace(LAUNCH, layout=Layout()))
    assert config_after_out_of_memory(tmp_path, LAUNCH) == LAUNCH


def test_what_many_processes_tell_of_is_one_shortage(tmp_path: Path) -> None:
    for sequences in (8, 8, 4):
        met(tmp_path, sequences)
    assert [shortage.micro_batch_sequences for shortage in out_of_memory_events(tmp_path)] == [8, 4]


def test_a_torn_line_is_left_out(tmp_path: Path) -> None:
    with open(out_of_memory_file(tmp_path), "w") as file:
        file.write('{"step": 3, "micro_ba\n{"step": 3}\n')
    met(tmp_path, 8)
    assert len(out_of_memory_events(tmp_path)) == 1
