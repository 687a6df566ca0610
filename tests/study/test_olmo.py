"""A study's runs done again by OLMo-core, through the command line."""

import shutil

import pytest

from isoflop.runs.engines import extras
from isoflop.runs.folder import RunFolder, run_folders
from isoflop.study.engine_settings import OlmoSettings, RaySettings, SlurmSettings, make_engine
from isoflop.study.settings import StudyFolder, read_settings

from .tiny import isoflop, refused


def test_runs_done_again_by_olmo_core_have_the_same_losses(finished_study, tmp_path):
    pytest.importorskip("olmo_core", reason="the engine olmo needs the extra `olmo`")
    study = finished_study.copy(tmp_path / "study")
    done = run_folders(study / "runs")[:2]
    before = [folder.read_result() for folder in done]
    for folder in done:
        shutil.rmtree(folder.path)
    code, stdout, stderr = isoflop("run", study, "--engine", "olmo")
    assert (code, stdout) == (0, "2 runs done\n"), stderr
    assert read_settings(StudyFolder(study)).engine == "olmo"
    for folder, ours in zip(done, before, strict=True):
        result = folder.read_result()
        # rounding grows with the steps, see tests/train/test_loop.py: 1e-6 nats after 20
        assert result.val_loss_nats == pytest.approx(ours.val_loss_nats, rel=1e-3)
        assert (result.params, result.flops, result.steps) == (ours.params, ours.flops, ours.steps)
        assert result.code_version.endswith("with OLMo-core 3.0.0")


def test_its_jobs_are_those_of_the_engine_that_its_table_names(tmp_path):
    pytest.importorskip("submitit", reason="needs the extra slurm")
    olmo = OlmoSettings(where="slurm", device="cuda")
    slurm = SlurmSettings(cluster="local")
    made = make_engine("olmo", slurm, RaySettings(), olmo, workers=2, logs=tmp_path, corpus=tmp_path)
    try:
        assert (type(made.system).__name__, made.free) == ("Slurm", 2)
        assert made.command(RunFolder(tmp_path / "run"))[-4:] == ["--library", "olmo", "--device", "cuda"]
    finally:
        made.close()


def test_another_family_is_refused_before_any_time_is_spent(tmp_path):
    said = refused("study", tmp_path / "study", "--engine", "olmo", "--family", "gpt")
    assert "engine: olmo trains llama, got family gpt; take one of them, or local" in said
    assert not (tmp_path / "study" / "study.toml").exists()


def test_a_missing_olmo_core_is_told_before_any_time_is_spent(tmp_path, monkeypatch):
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    said = refused("study", tmp_path / "study", "--engine", "olmo")
    assert said == "Error: olmo_core: not installed; the engine olmo needs it: pip install 'isoflop[olmo]'\n"
