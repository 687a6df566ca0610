"""OLMo-core as the engine of a study: its settings, its refusals, and a run with the program that people use."""

from contextlib import closing
from dataclasses import replace

import pytest
from runs.conftest import small_spec

from isoflop.errors import InputError
from isoflop.runs import registry
from isoflop.runs.driver import execute
from isoflop.runs.engines.olmo import OlmoSettings
from isoflop.runs.engines.settings import EngineRequest
from isoflop.runs.engines.slurm_settings import SlurmSettings
from isoflop.runs.folder import RunFolder
from isoflop.runs.registry import make_engine
from isoflop.runs.run_index import RunIndex
from isoflop.study.settings import checked_settings
from isoflop.train.loop import run

from .tiny import refused


def test_the_engine_of_a_study_trains_with_olmo_core(tiny_corpus, tmp_path):
    pytest.importorskip("olmo_core", reason="the engine olmo needs the extra `olmo`")
    spec = replace(small_spec(steps=40), corpus=tiny_corpus.digest, eval_tokens=512)
    ours, theirs = (RunFolder.create(tmp_path / name, spec) for name in ("ours", "theirs"))
    run(ours, tiny_corpus, lambda: False)
    request = EngineRequest(workers=1, logs=tmp_path / "logs", corpus=tiny_corpus.directory)
    made = make_engine("olmo", {}, request)
    with closing(made):
        run_index = RunIndex(tmp_path / "study.db", tmp_path / "theirs")
        (result,) = execute([theirs], made, run_index, on_event=lambda event: None)
    assert result.val_loss_nats == pytest.approx(ours.read_result().val_loss_nats, abs=1e-5)
    assert result.code_version.endswith("with OLMo-core 3.0.0")
    assert not theirs.log.exists(), theirs.log.read_text()


def test_its_jobs_are_those_of_the_engine_that_its_table_names(tmp_path):
    pytest.importorskip("submitit", reason="needs the extra slurm")
    tables = {"olmo": OlmoSettings(where="slurm"), "slurm": SlurmSettings(cluster="local")}
    made = make_engine("olmo", tables, EngineRequest(workers=2, logs=tmp_path, corpus=tmp_path))
    try:
        assert (type(made.system).__name__, made.free, made.library) == ("Slurm", 2, "olmo")
    finally:
        made.close()


def test_jobs_that_ask_for_no_gpu_are_told_so():
    with pytest.raises(InputError, match=r"olmo: device: expected cpu with where = 'ray', whose jobs ask for no GPU"):
        checked_settings({"minutes": 1, "olmo": {"where": "ray", "device": "cuda"}}, "study.toml")


def test_another_family_is_refused_before_any_time_is_spent(tmp_path):
    said = refused("study", tmp_path / "study", "--engine", "olmo", "--family", "gpt")
    assert "engine: olmo trains llama, got family gpt; take one of them, or local" in said
    assert not (tmp_path / "study" / "study.toml").exists()


def test_a_missing_olmo_core_is_told_before_any_time_is_spent(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    said = refused("study", tmp_path / "study", "--engine", "olmo")
    assert said == "Error: olmo_core: not installed; the engine olmo needs it: pip install 'isoflop[olmo]'\n"
