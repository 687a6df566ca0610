"""A study with an accelerator, for which a process on a core with a made-up memory stands in."""

import shutil
from dataclasses import replace

import pytest

from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.runs.folder import RunFolder
from isoflop.runs.placement import Place
from isoflop.study import Study, StudyFolder
from isoflop.study import training_stages as stages
from isoflop.study.devices import Device, check_gone, device_specs, find_devices, where_lines
from isoflop.study.engine_settings import checked_devices
from isoflop.study.listener import Listener
from isoflop.study.machine import read_machine, speed_of
from isoflop.study.settings import begin_or_resume
from isoflop.sweep import sweep_cost
from isoflop.sweep.devices import CONTEXT_BYTES, device_memory, needs_of

GIB = 2**30
STAND_IN = Device(number=0, name="Stand-in", memory_bytes=8 * GIB)


class Heard(Listener):
    def __init__(self):
        self.notices = []

    def notice(self, notice):
        self.notices.append(notice)


def stand_in_place(device, slots):
    """A core in the place of the accelerator: no process sees a GPU."""
    environment = {"CUDA_VISIBLE_DEVICES": ""}
    return Place(name="cuda:0", slots=slots, memory_bytes=device.usable_bytes, environment=environment)


@pytest.mark.parametrize("value", ["", "gpu", "0;1", "-1", "cuda:0", "0,,1"])
def test_what_is_no_setting_of_devices_is_refused(value):
    with pytest.raises(ValueError, match=r'auto, cpu, cuda or numbers of GPUs such as "0,1"'):
        checked_devices(value)


def test_devices_that_are_not_there_are_refused(monkeypatch):
    assert find_devices("cpu") == ()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # also on a machine with GPUs there is none
    with pytest.raises(InputError, match="devices = cuda: PyTorch finds 0 GPUs, and there is none; take auto or cpu"):
        find_devices("cuda")


def test_each_process_sees_one_of_those_that_the_study_may_use(monkeypatch):
    second = Device(number=1, name="Stand-in", memory_bytes=GIB)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert second.place(4).environment == {"CUDA_VISIBLE_DEVICES": "1"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,GPU-7f")
    assert second.place(4).environment == {"CUDA_VISIBLE_DEVICES": "GPU-7f"}
    assert second.place(4).device == "cuda"


def test_a_device_that_was_measured_and_is_gone_is_reported():
    heard = Heard()
    check_gone([STAND_IN], [STAND_IN], heard)
    assert not heard.notices
    check_gone([STAND_IN], [], heard)
    assert [notice.code for notice in heard.notices] == ["device_gone"]
    assert "cuda:0, Stand-in: trained on before, and not found any more" in heard.notices[0].message


def test_the_memory_of_a_run_falls_with_the_sequences_at_a_time():
    largest = device_specs(SmallRecipe(vocab_size=257), 1e15)[-1]
    whole, sequences = device_memory(largest, 1e15)
    assert sequences == largest.sequences
    less, halved = device_memory(largest, whole / 2)
    assert less <= whole / 2
    assert halved < sequences
    assert device_memory(largest, 0.0)[1] == 1  # nothing fits: one sequence is said, and what it takes
    assert CONTEXT_BYTES < device_memory(largest, 0.0)[0] < less


def test_a_study_shares_its_runs_among_cores_and_the_device(tiny_corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(Device, "place", stand_in_place)
    monkeypatch.setattr(stages, "find_devices", lambda setting: () if setting == "cpu" else (STAND_IN,))
    monkeypatch.setattr("isoflop.study.devices.MEASURED_AT", ((16, 64), (24, 256)))
    folder, heard = StudyFolder(tmp_path / "study"), Heard()
    settings = begin_or_resume(folder, {"flops": 3e10, "seq_len": 32, "workers": 2})
    shutil.copytree(tiny_corpus.directory, folder.corpus)
    study = Study(folder=folder, settings=settings, listener=heard)
    recipe = replace(study.recipe(tiny_corpus.vocab_size), eval_tokens=512)
    speed = speed_of(stages.machine(study, recipe))
    (device,) = study.devices
    assert (device.what, sorted(device.speeds), study.workers) == ("Stand-in", [1, 2], 2)
    shape = recipe.shape(16, 1)
    specs = [recipe.spec(shape, 20_000, corpus=tiny_corpus.digest, seed=seed) for seed in range(8)]
    where = where_lines(specs, speed, study.workers, study.devices)
    assert [line.split(": ")[0] for line in where] == ["on cores", "on cuda:0, Stand-in"]
    assert sum(int(line.split(": ")[1].split()[0]) for line in where) == 8
    bill = sweep_cost(specs, speed, study.workers, study.devices)
    assert bill.seconds < sweep_cost(specs, speed, study.workers).seconds * (1 + 1e-9)
    stages.train(study, specs, speed.seconds)
    folders = [RunFolder(folder.runs / spec.run_id) for spec in specs]
    assert [run.read_result().status for run in folders] == ["done"] * 8
    assert 2 < len({run.attempts()[0].pid for run in folders}) <= 2 + device.place.slots
    assert stages.machine(study, recipe).devices == read_machine(folder.machine).devices  # not measured again
    cores = Study(folder=folder, settings=begin_or_resume(folder, {"devices": "cpu"}), listener=heard)
    assert cores.devices == ()
    assert set(needs_of(specs[0], speed, 2, study.devices).seconds) == {"cpu", "cuda:0"}
    assert not heard.notices


def test_a_job_of_a_cluster_asks_for_a_gpu_only_where_the_settings_say_so(tmp_path):
    folder = StudyFolder(tmp_path / "study")
    for devices, gpus in (("auto", 0), ("cuda", 1)):
        settings = begin_or_resume(folder, {"engine": "ray", "devices": devices})
        assert Study(folder=folder, settings=settings).processes_of_a_run.gpus_each == gpus
    with pytest.raises(InputError, match="devices: GPU 0 is of this machine, and ray trains elsewhere"):
        begin_or_resume(folder, {"devices": "0"})
