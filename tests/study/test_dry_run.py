"""`isoflop launch`: what would be submitted, and that a run of two processes is done, stopped and gone on with."""

import json
import math
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

from isoflop.plan.plan_toml import PlannedRun
from isoflop.runs.folder import run_folders

from .tiny import call, isoflop, refused, start

TWO = '\n[layout]\ndevice = "cpu"\nsharded = 2\n'


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A plan for 64 H100."""
    file = tmp_path_factory.mktemp("large") / "plan.toml"
    made = call("plan", "--law", "besiroglu2024", "--flops", "1e22", "--gpus", "64xH100", "--out", file)
    assert made.exit_code == 0, made.stderr
    return file


@pytest.fixture
def small(tmp_path, text_folder) -> Path:
    """A plan for one process, on a folder of text."""
    file = tmp_path / "plan.toml"
    options = ("--params", "660K", "--tokens", "6400", "--vocab", "257", "--seq-len", "64", "--batch-tokens", "256")
    assert call("plan", "--law", "besiroglu2024", *options, "--out", file).exit_code == 0
    file.write_text(file.read_text().replace('corpus = "english"', f'corpus = "text"\ntext = ["{text_folder}"]'))
    return file


def dry_run(*arguments: object) -> dict[str, Any]:
    done = call("launch", *arguments, "--dry-run", "--json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def beside_gib(plan: Path) -> float:
    """GiB of a machine of eight among 64: eight shards of a checkpoint and the final weights, three times."""
    params = PlannedRun.read(plan).run.architecture.params().total
    return math.ceil(3 * (8 * 12 * params / 64 + 4 * params) / 2**30)


def test_a_slurm_job_as_it_would_be_submitted(large):
    pytest.importorskip("submitit", reason="needs the extra slurm")
    shown = dry_run(large, "--engine", "slurm")
    asked = {"nodes": "8", "ntasks-per-node": "1", "gpus-per-node": "8", "job-name": "isoflop-RUN_ID"}
    asked["mem"] = f"{8 * 4 + beside_gib(large)}GB"
    assert {name: shown["job"][name] for name in asked} == asked
    # a shell reads it
    assert subprocess.run(["bash", "-n"], input=shown["script"], text=True, capture_output=True).returncode == 0
    assert "PET_RDZV_ENDPOINT" in shown["script"]
    command = " ".join(shown["command"])
    assert re.search(r"-m torch.distributed.run --nnodes 8 .* --nproc-per-node 8 -m isoflop.train .* cuda$", command)
    assert shown["processes"]["processes"] == shown["layout"]["count"] == 64
    assert shown["memory_bytes"] == shown["layout"]["memory_bytes"]
    low, high = shown["memory_bytes"]["total_range"]
    assert low < shown["memory_bytes"]["total"] < high
    assert shown["memory_limit_bytes"] == 80e9
    plan = json.loads(call("plan", "--law", "besiroglu2024", "--flops", "1e22", "--gpus", "64xH100", "--json").stdout)
    assert (shown["bill"]["hours"], shown["bill"]["price"]) == pytest.approx((plan["hours"], plan["price"]))
    assert [said["code"] for said in shown["warnings"]] == []
    assert not large.with_suffix("").exists()


def test_it_is_printed_for_people(large):
    pytest.importorskip("submitit", reason="needs the extra slurm")
    shown = call("launch", large, "--engine", "slurm", "--dry-run")
    for said in ("64, a GPU each: 8 machines of 8", "64 sharded", "Memory a device", "Price", "#SBATCH --nodes=8"):
        assert said in shown.stdout, said
    assert "products in bfloat16" in shown.stdout


def test_without_the_library_one_command_installs_it(large, monkeypatch):
    from isoflop.runs import registry

    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    assert "pip install 'isoflop[slurm]'" in refused("launch", large, "--engine", "slurm", "--dry-run")


def test_a_plan_may_say_what_its_jobs_ask_for(large, tmp_path):
    pytest.importorskip("submitit", reason="needs the extra slurm")
    plan = tmp_path / "plan.toml"
    plan.write_text(large.read_text() + '\n[slurm]\npartition = "large"\nmemory_gb = 64\n')
    asked = dry_run(plan, "--engine", "slurm")["job"]
    assert (asked["partition"], asked["mem"]) == ("large", f"{8 * 64 + beside_gib(large)}GB")
    plan.write_text(large.read_text() + '\n[slurm]\nmemory = "none"\nsbatch = { gres = "gpu:h100:8", nice = 7 }\n')
    asked = dry_run(plan, "--engine", "slurm", "--sbatch", "exclusive", "--sbatch", "nice=9")["job"]
    assert {"mem", "gpus-per-node"} & asked.keys() == set()
    assert (asked["gres"], asked["nice"], asked["exclusive"]) == ("gpu:h100:8", "9", True)
    plan.write_text(large.read_text() + '\n[slurm]\npartitoin = "large"\n')
    assert "slurm.partitoin" in refused("launch", plan, "--engine", "slurm", "--dry-run")


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_run_over_machines_is_not_for_an_engine_of_one(large, engine):
    message = refused("launch", large, "--engine", engine, "--dry-run")
    assert f"engine {engine}: the layout takes 8 machines of 8 cuda processes" in message
    assert "use --engine slurm" in message


def test_a_ray_task_asks_for_what_its_processes_take(small):
    with open(small, "a") as file:
        file.write('\n[layout]\ndevice = "A100"\nsharded = 2\nmicro_batch_sequences = 1\n')
    shown = dry_run(small, "--engine", "ray")
    assert shown["job"] == {"address": None, "num_cpus": 2.0, "num_gpus": 2}
    assert shown["script"] is None


def test_one_process_here(small):
    shown = dry_run(small)
    assert (shown["engine"], shown["launch"], shown["layout"], shown["bill"]) == ("local", None, None, None)
    assert shown["command"][1:4] == ["-P", "-m", "isoflop.train"]
    assert "Memory a process" in call("launch", small, "--dry-run").stdout
    assert not small.with_suffix("").exists()


def result_of(*arguments: object) -> dict[str, Any]:
    code, stdout, stderr = isoflop("launch", *arguments, "--json")
    assert code == 0, stderr
    return json.loads(stdout)["result"]


def test_two_processes_are_started_stopped_and_gone_on_with(small, tmp_path):
    one = result_of(small)
    pair = tmp_path / "pair.toml"
    pair.write_text(small.read_text() + TWO)
    ignored = shutil.ignore_patterns("runs", "logs", "study.db")
    shutil.copytree(small.with_suffix(""), pair.with_suffix(""), ignore=ignored)
    driver = start("launch", pair)
    begun = lambda: any(run.read_metrics().lines for run in run_folders(tmp_path / "pair/runs"))  # noqa: E731
    wait_until(begun, driver)
    driver.send_signal(signal.SIGINT)
    assert driver.wait(120) == 130, driver.communicate()
    (run,) = run_folders(tmp_path / "pair/runs")
    assert run.read_result() is None
    assert list(run.checkpoints.iterdir())
    both = result_of(pair)
    assert (one["device"], both["device"], both["attempts"]) == ("cpu", "2 x cpu", 2)
    assert both["run_id"] == one["run_id"]
    assert both["val_loss_nats"] == pytest.approx(one["val_loss_nats"], abs=1e-5)
    shown = dry_run(pair)
    assert (shown["done"], shown["run"]) == (True, str(run.path))
