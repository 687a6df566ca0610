"""The local engine with cores and accelerators, for which folders stand in: the processes, what they are told and the
limit of sharing are real, and so is the trainer."""

import json
import sys
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.runs.driver import execute
from isoflop.runs.engines.local import LocalEngine
from isoflop.runs.engines.placing import Placement
from isoflop.runs.folder import RunFolder
from isoflop.runs.out_of_memory import out_of_memory_events
from isoflop.runs.parallel_config import read_parallel_config
from isoflop.runs.placement import Needs, Place
from isoflop.runs.run_index import RunIndex

STAND_IN = Path(__file__).parents[1] / "stand_in_trainer.py"
GIGABYTE = 10**9
pytest.importorskip("torch", reason="the trainer needs the extra `train`")


class Machine:
    """One core, and a stand-in of 8 GB that takes `slots` processes."""

    def __init__(self, folder, corpus, slots=3):
        self.folder, self.corpus, self.slots, self.notices, self.events = folder, corpus, slots, [], []
        recipe = SmallRecipe(vocab_size=corpus.vocab_size, seq_len=32, eval_tokens=512)
        spec = recipe.spec(recipe.shape(16, 1), 20_000, corpus=corpus.digest, seed=0, budget_flops=1e9)
        self.spec = replace(spec, batch_tokens=8 * 32, tokens=20 * 8 * 32, warmup_tokens=0)
        self.places = (Place(name="cpu", slots=1), self._device(0))
        self.needs = lambda folder: self.take(core=1e3, alone=10.0, shared=20.0)
        folder.joinpath("logs").mkdir(parents=True)

    def _device(self, number):
        path = self.folder / f"device-{number}"
        path.mkdir(parents=True)
        environment = {"STAND_IN": str(path), "STAND_IN_BYTES": str(8 * GIGABYTE)}
        return Place(name=path.name, slots=self.slots, memory_bytes=8.0 * GIGABYTE, environment=environment)

    def take(self, *, core, alone, shared, gigabytes=0.5, micro=None):
        seconds = {"cpu": {1: core}, "device-0": {1: alone, 3: shared}}
        return Needs(seconds=seconds, device_bytes=gigabytes * GIGABYTE, micro_batch_sequences=micro)

    def run_folder(self, seed, bytes_each=0):
        folder = RunFolder.create(self.folder / "runs", replace(self.spec, seed=seed))
        (folder.path / "takes").write_text(str(bytes_each))
        return folder

    def train(self, folders):
        command = [sys.executable, str(STAND_IN), "--worker", "--corpus", str(self.corpus.directory)]
        placement = Placement(places=self.places, needs=self.needs, on_notice=self.notices.append)
        index = RunIndex(self.folder / "study.db", self.folder / "runs")
        logs = self.folder / "logs"
        with closing(LocalEngine(workers=1, logs=logs, command=command, placement=placement)) as engine:
            return execute(folders, engine, index, on_event=self.events.append)

    def starts(self, *names):
        lines = (self.folder / "places.jsonl").read_text().splitlines()
        return [tuple(json.loads(line)[name] for name in names) for line in lines]


def test_the_small_runs_train_on_the_core_and_the_others_share_the_device(tiny_corpus, tmp_path):
    machine = Machine(tmp_path, tiny_corpus)
    folders = [machine.run_folder(seed, GIGABYTE // 64) for seed in range(6)]
    small = set(folders[:2])
    fast_here, fast_there = machine.take(core=5.0, alone=50.0, shared=60.0), machine.take(core=1e3, alone=9, shared=9)
    machine.needs = lambda folder: fast_here if folder in small else fast_there
    results = machine.train(folders)
    assert [result.status for result in results] == ["done"] * 6
    where = dict(machine.starts("run", "place"))
    assert [where[folder.run_id] for folder in folders] == ["cpu"] * 2 + ["device-0"] * 4
    pids = {place: {pid for other, pid in machine.starts("place", "pid") if other == place} for place in where.values()}
    assert (len(pids["cpu"]), len(pids["device-0"])) == (1, 3)  # warm, and no more than may share it
    assert {memory for place, memory in machine.starts("place", "memory") if place == "device-0"} == {"shared"}
    assert not machine.notices


def test_a_run_as_large_as_the_device_has_it_to_itself(tiny_corpus, tmp_path):
    machine = Machine(tmp_path, tiny_corpus)
    folders = [machine.run_folder(seed) for seed in range(3)]
    large = machine.take(core=1e6, alone=50.0, shared=60.0, gigabytes=7.0, micro=2)
    machine.needs = lambda folder: large if folder == folders[0] else machine.take(core=1e6, alone=10, shared=20)
    assert [result.status for result in machine.train(folders)] == ["done"] * 3
    assert machine.starts("run", "memory")[0] == (folders[0].run_id, "own")
    assert Counter(memory for (memory,) in machine.starts("memory")) == {"own": 1, "shared": 2}
    assert read_parallel_config(folders[0].path).micro_batch_sequences == 2
    assert folders[0].read_result().micro_batch_sequences == 2
    assert len({pid for (pid,) in machine.starts("pid")}) == 3  # the process of the first ended with its memory


def test_a_run_that_runs_out_of_shared_memory_gets_the_device_and_then_a_core(tiny_corpus, tmp_path):
    machine = Machine(tmp_path, tiny_corpus)
    sequences = machine.spec.sequences
    alone = machine.run_folder(0, 6 * GIGABYTE // sequences)  # fits, but not beside another
    never = machine.run_folder(1, 9 * GIGABYTE)  # not even one sequence
    third = machine.run_folder(2, 6 * GIGABYTE // sequences)
    results = machine.train([alone, never, third])
    assert [result.status for result in results] == ["done"] * 3, [result.message for result in results]
    of = {folder: [(p, m) for run, p, m in machine.starts("run", "place", "memory") if run == folder.run_id]
          for folder in (alone, never, third)}  # fmt: skip
    assert of[never] == [("device-0", "shared"), ("device-0", "own"), ("cpu", "core")]
    assert {tuple(of[alone][-1:]), tuple(of[third][-1:])} <= {
        (("device-0", "shared"),), (("device-0", "own"),)}  # fmt: skip
    events = out_of_memory_events(never.path)
    assert events[0].memory == "shared"
    assert ("own", 1) in [(event.memory, event.micro_batch_sequences) for event in events]
    assert never.read_result().micro_batch_sequences == sequences  # the core has memory for the whole batch
    assert not machine.notices


def test_a_device_that_vanishes_is_reported_and_the_runs_go_on(tiny_corpus, tmp_path):
    machine = Machine(tmp_path, tiny_corpus, slots=1)
    first, second = (machine.run_folder(seed) for seed in range(2))
    (first.path / "vanish").touch()
    seconds = {"cpu": {1: 1e3}, "device-0": {1: 20.0}}
    machine.needs = lambda folder: Needs(seconds=seconds if folder == second else seconds | {"device-0": {1: 30.0}})
    assert [result.status for result in machine.train([first, second])] == ["done"] * 2
    assert machine.starts("place") == [("device-0",), ("cpu",), ("cpu",)]
    (notice,) = machine.notices
    assert notice.code == "device_gone"
    assert "device-0 is not used any more (stand-in: no accelerator is found)" in notice.message
    assert notice.message.endswith("the runs that are left go to cpu")


def test_without_any_place_the_study_ends_with_the_reason(tiny_corpus, tmp_path):
    machine = Machine(tmp_path, tiny_corpus)
    machine.needs = lambda folder: replace(machine.take(core=1, alone=1, shared=1, gigabytes=9), seconds={
        "device-0": {1: 1.0}})  # fmt: skip
    with pytest.raises(InputError, match="nothing has the memory for it, of cpu, device-0"):
        machine.train([machine.run_folder(0)])
