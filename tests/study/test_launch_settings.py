"""Which layout a planned run is started in: the plan's where the trainer can do it, else another, else none."""

from dataclasses import replace

import pytest

from isoflop.arch.layout import SHARDS_32, TrainingSetup
from isoflop.arch.memory import train_memory
from isoflop.errors import InputError, RefusedError
from isoflop.hardware import hardware_named
from isoflop.laws import published_law
from isoflop.own_hardware import DeviceFigures, DeviceSource
from isoflop.plan import Cluster, make_plan
from isoflop.plan.plan_toml import PlannedRun, TextSource
from isoflop.study.launch_settings import ResolvedLaunch, _slower, resolve_launch
from isoflop.study.settings import checked_settings

LOCAL = checked_settings({"flops": 1.0}, "test")
SLURM = checked_settings({"flops": 1.0, "engine": "slurm", "slurm": {"memory_gb": 1}}, "test")


FOUR = {"device": "cpu", "sharded": 2, "tensor": 2, "micro_batch_sequences": 1}


def planned(flops: float = 1e22, gpus: str = "64xH100", **layout) -> PlannedRun:
    plan = make_plan(published_law("besiroglu2024"), flops, cluster=Cluster.parse(gpus))
    made = PlannedRun.of(plan, TextSource())
    return replace(made, layout={**(made.layout or {"device": gpus.partition("x")[2]}), **layout})


def codes(launch: ResolvedLaunch) -> list[str]:
    return [notice.code for notice in launch.notices]


def test_a_layout_that_fits_stands_with_its_memory_in_the_trainers_own_formats():
    made = planned()
    launch = resolve_launch(made, LOCAL)
    layout = launch.placement.layout
    assert (layout.sharded, layout.devices) == (64, 64)
    assert launch.parallel.layout == layout
    assert (launch.processes.machines, launch.processes.gpus_each, launch.processes.device) == (8, 8, "cuda")
    # 768 sequences over 64 devices, as many at a time as planned, or fewer
    assert launch.placement.micro_batches * launch.placement.micro_batch_sequences == 12
    setup = TrainingSetup(
        seq_len=made.run.seq_len,
        sequences=launch.parallel.micro_batch_sequences,
        layout=layout,
        formats=SHARDS_32,
        recompute=launch.parallel.recompute,
    )
    own = train_memory(made.run.architecture, setup)
    assert launch.memory == own
    assert launch.products == "bfloat16"
    assert own.total < 0.9 * launch.memory_limit


def test_every_replica_copies_its_own_checkpoint():
    made = planned(1e20, "8xH100")
    params = made.run.architecture.params().total
    one_at_a_time = {"device": "H100", "micro_batch_sequences": 1, "recompute": "full"}
    layouts = [replace(made, layout={**one_at_a_time, **ways}) for ways in ({"data": 8}, {"sharded": 8})]
    replicas, shards = (resolve_launch(layout, LOCAL).processes.shared_bytes for layout in layouts)
    assert (replicas, shards) == ((8 * 36 + 12) * params, (36 + 12) * params)


def test_fewer_sequences_at_a_time_are_left_as_they_stand():
    launch = resolve_launch(planned(micro_batch_sequences=1, micro_batches=12), LOCAL)
    assert launch.parallel.micro_batch_sequences == 1
    assert codes(launch) == []


def test_hours_in_16_bits_are_not_those_of_a_device_without_the_trainers_16_bits():
    assert _slower(hardware_named("H100")) == []
    (said,) = _slower(hardware_named("V100"))
    assert "float32's peak on V100 is 7.96 times lower" in said.message  # 125 and 15.7 TFLOP/s, hardware.toml


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"pipeline": 4, "sharded": 16}, "it has no pipeline (of 4 stages)"),
        ({"recompute": "selective", "micro_batch_sequences": 1}, "it recomputes whole layers or nothing"),
        ({"tensor": 64, "sharded": 1}, "64 processes do not divide 32 heads"),
        ({"micro_batch_sequences": 12, "micro_batches": 1}, "it takes"),
    ],
)
def test_what_the_trainer_cannot_do_is_laid_anew_on_as_many_devices(layout, said):
    launch = resolve_launch(planned(**layout), LOCAL)
    (message,) = (notice.message for notice in launch.notices if notice.code == "other_layout")
    assert said in message
    assert launch.parallel.layout.devices == 64
    assert launch.parallel.layout.pipeline == 1
    assert launch.parallel.recompute in ("none", "full")
    assert launch.memory.total < 0.9 * launch.memory_limit


def test_muon_is_trained_by_one_process():
    plan = planned()
    muon = replace(plan, run=replace(plan.run, optimizer=replace(plan.run.optimizer, hidden="muon")))
    with pytest.raises(InputError, match="Muon needs whole matrices, which 64 processes do not hold"):
        resolve_launch(muon, LOCAL)


def test_what_no_layout_of_the_trainer_holds_is_refused():
    with pytest.raises(RefusedError, match="the least that would hold them is") as caught:
        resolve_launch(planned(5.76e23, "8xH100", data=1, sharded=8, tensor=1, pipeline=1), LOCAL)
    assert caught.value.code == "does_not_fit"


def test_tpus_are_refused_with_what_to_do():
    with pytest.raises(InputError, match=r"CPUs and GPUs; plan for GPUs, or .* --export"):
        resolve_launch(planned(gpus="64xTPUv4"), LOCAL)


def test_processes_on_cpus():
    launch = resolve_launch(replace(planned(1e17, "1xH100"), layout=FOUR), LOCAL)
    assert launch.processes.as_json() == {
        "processes": 4,
        "machines": 1,
        "processes_per_machine": 4,
        "gpus_per_machine": 0,
        "device": "cpu",
    }
    with pytest.raises(InputError, match="no pipeline"):
        resolve_launch(replace(planned(1e17, "1xH100"), layout={"device": "cpu", "pipeline": 2}), LOCAL)


def test_one_process_needs_the_memory_of_its_machine_or_of_its_job():
    alone = replace(planned(), layout=None)
    with pytest.raises(RefusedError, match="this machine has"):
        resolve_launch(alone, LOCAL)
    with pytest.raises(RefusedError, match="a job may take 1 GiB; raise memory_gb"):
        resolve_launch(alone, SLURM)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"device": "Z100"}, "Z100"),
        ({"sharded": 0}, "sharded: expected a whole number"),
        ({"recompute": "some"}, "recompute: expected 'none', 'selective' or 'full', got 'some'"),
        ({"micro_batch_sequences": 0}, "micro_batch_sequences: expected .* 1, got 0"),
    ],
)
def test_a_layout_that_is_none_is_refused(layout, said):
    with pytest.raises(InputError, match=said):
        resolve_launch(planned(**layout), LOCAL)


def test_a_batch_that_does_not_divide_is_refused():
    share = planned().run.batch_tokens // 2048 // 64
    assert share % 5
    with pytest.raises(InputError, match="batch: expected a multiple of 64 x 5 sequences"):
        resolve_launch(planned(micro_batch_sequences=5, recompute="full"), LOCAL)


def test_a_device_of_ones_own_is_launched_as_stated():
    figures = DeviceFigures(
        peak=165e12, memory="24GB", bandwidth="1.0TB/s", link="32GB/s", node_devices=8, product_share=0.5
    )
    own = DeviceSource(figures=figures)
    cluster = Cluster.parse("8xMYGPU", device=own.device("MYGPU", 8), price_per_hour=0.4)
    made = PlannedRun.of(make_plan(published_law("besiroglu2024"), 1e18, cluster=cluster), TextSource())
    launch = resolve_launch(made, LOCAL, own)
    assert launch.memory_limit == 24e9
    assert (launch.processes.count, launch.processes.gpus_each) == (8, 8)
    assert launch.placement.time.seconds > 0
    with pytest.raises(InputError, match="got 'MYGPU'; state one of your own with --device-peak"):
        resolve_launch(made, LOCAL)
    assert own.words[:4] == ["--device-peak", "1.65e14", "--device-memory", "24GB"]
