"""The engines beyond the local one, through the command line and with the real trainer."""

import importlib.util
import re
import shutil
import tomllib

import pytest

from isoflop.errors import InputError
from isoflop.runs.engines.processes import STEP_CPUS, Processes
from isoflop.runs.engines.sbatch import checked_sbatch
from isoflop.runs.engines.slurm_settings import SlurmSettings
from isoflop.runs.folder import run_folders
from isoflop.runs.run_index import RunIndex
from isoflop.study.folder import StudyFolder
from isoflop.study.settings import begin_or_resume, checked_settings, read_settings

from .test_kill import outcome
from .tiny import isoflop, refused

LIBRARIES = {"slurm": "submitit", "ray": "ray"}


@pytest.mark.parametrize("engine", LIBRARIES)
def test_runs_done_again_by_another_engine_are_the_same(finished_study, tmp_path, engine):
    if importlib.util.find_spec(LIBRARIES[engine]) is None:
        pytest.skip(f"needs the extra {engine}")
    study = finished_study.copy(tmp_path / "study")
    if engine == "slurm":
        with open(study / "study.toml", "a") as settings:
            settings.write('\n[slurm]\ncluster = "local"\n')
    for folder in run_folders(study / "runs")[:2]:
        shutil.rmtree(folder.path)
    code, stdout, stderr = isoflop("run", study, "--engine", engine)
    assert (code, stdout) == (0, "2 runs done\n"), stderr
    assert read_settings(StudyFolder(study)).engine == engine  # the same command goes on with it
    assert outcome(study) == outcome(finished_study.path)
    assert len(RunIndex(study / "study.db").rows()) == len(run_folders(study / "runs"))


def test_an_engine_may_change_at_any_time_and_changes_no_run(finished_study, tmp_path):
    study = StudyFolder(finished_study.copy(tmp_path / "study"))
    begun = read_settings(study)
    assert (begun.engine, begun.engines) == ("local", {})
    assert begin_or_resume(study, {"engine": "ray"}).engine == "ray"
    with open(study.settings, "a") as file:
        file.write('\n[slurm]\npartition = "small"\nsetup = ["module load python"]\n')
    changed = begin_or_resume(study, {"engine": "slurm", "workers": 3})
    assert changed.engines["slurm"] == SlurmSettings(partition="small", setup=("module load python",))
    assert tomllib.loads(study.settings.read_text())["slurm"]["partition"] == "small"
    assert changed.deciding == begun.deciding


def test_what_a_job_asks_for():
    assert SlurmSettings(partition="small", memory_gb=8).options() == {
        "timeout_min": 240,
        "cpus_per_task": 1,
        "mem_gb": 8.0,
        "slurm_partition": "small",
        "slurm_setup": [STEP_CPUS],
    }


GPUS = Processes(count=2, device="cuda", per_machine=2)


@pytest.mark.parametrize(
    ("asked", "not_asked"),
    [
        ({}, set()),
        ({"memory": "none"}, {"mem_gb"}),
        ({"sbatch": {"mem-per-cpu": "2G"}}, {"mem_gb"}),
        ({"sbatch": {"mem": "0"}}, {"mem_gb"}),
        ({"sbatch": {"gres": "gpu:a100:2"}}, {"gpus_per_node"}),
        ({"sbatch": checked_sbatch(["--gpus-per-node=a100:2", "--mem-per-gpu=40G"])}, {"mem_gb", "gpus_per_node"}),
        ({"sbatch": {"cpus-per-gpu": "8"}}, {"cpus_per_task"}),
        ({"sbatch": {"gres": "tmpdir:10G", "exclusive": True}}, set()),
    ],
)
def test_an_option_of_sbatch_takes_the_place_of_what_would_be_asked_for(asked, not_asked):
    settings = SlurmSettings(**asked)
    options = settings.options(GPUS)
    assert {"mem_gb", "gpus_per_node", "cpus_per_task"} - options.keys() == not_asked
    assert options.get("slurm_additional_parameters", {}) == settings.sbatch


@pytest.mark.parametrize(
    ("slurm", "said"),
    [
        ({"account": "lab", "sbatch": {"account": "lab"}}, "slurm: account: given twice"),
        ({"sbatch": {"array": "0-3"}}, "slurm.sbatch: array: not an option to give"),
        ({"sbatch": "--nice=1"}, "slurm.sbatch: expected a table"),
        ({"partition": "small\ntouch planted"}, "slurm.partition: expected one line"),
        ({"memory": "some"}, "slurm.memory: "),
    ],
)
def test_what_a_batch_script_cannot_take_is_told_before_any_time_is_spent(slurm, said):
    with pytest.raises(InputError, match=re.escape(said)):
        checked_settings({"flops": 1e12, "engine": "slurm", "slurm": slurm}, "study.toml")


def test_options_of_sbatch_on_the_command_line_are_kept_next_to_those_of_study_toml(tmp_path):
    study = StudyFolder(tmp_path / "study")
    begin_or_resume(study, {"flops": 1e12, "engine": "slurm", "sbatch": ["nice=100", "--exclusive"]})
    begin_or_resume(study, {"sbatch": ["--nice=5", "licenses=a:2"]})
    kept = tomllib.loads(study.settings.read_text())["slurm"]["sbatch"]
    assert kept == {"nice": "5", "exclusive": True, "licenses": "a:2"}
    assert begin_or_resume(study, {"workers": 2}).engines["slurm"].sbatch == kept
    with pytest.raises(InputError, match="--sbatch: array: not an option to give"):
        begin_or_resume(study, {"sbatch": ["array=0-3"]})
    with pytest.raises(InputError, match="--sbatch: expected with --engine slurm"):
        begin_or_resume(study, {"engine": "local", "sbatch": ["nice=1"]})


def test_all_problems_of_the_tables_are_told_at_once():
    values = {"minutes": 1, "engine": "cluster", "slurm": {"cpus": 0, "partitoin": "x"}, "ray": {"cpus": "many"}}
    with pytest.raises(InputError) as caught:
        checked_settings(values, "study.toml")
    for said in ("engine: ", "slurm.cpus: ", "slurm.partitoin: ", "ray.cpus: "):
        assert said in str(caught.value)


def test_a_missing_extra_is_told_before_any_time_is_spent(tmp_path, monkeypatch):
    from isoflop.runs import registry

    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    said = refused("study", tmp_path / "study", "--engine", "slurm")
    assert said == "Error: submitit: not installed; the engine slurm needs it: pip install 'isoflop[slurm]'\n"
    assert not (tmp_path / "study").exists()
    begun = StudyFolder(tmp_path / "begun")
    begin_or_resume(begun, {"flops": 3e12})
    assert "pip install 'isoflop[ray]'" in refused("run", begun.path, "--engine", "ray")


def test_a_cluster_that_is_not_there_is_one_message(finished_study, tmp_path, monkeypatch):
    pytest.importorskip("submitit", reason="needs the extra slurm")
    study = finished_study.copy(tmp_path / "study")
    shutil.rmtree(run_folders(study / "runs")[0].path)
    if shutil.which("srun"):
        pytest.skip("this machine has Slurm")
    said = refused("run", study, "--engine", "slurm")
    assert "engine slurm: no Slurm on this machine" in said
