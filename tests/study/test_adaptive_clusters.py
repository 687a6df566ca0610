"""An adaptive sweep on the engines of clusters: with submitit's local executor and a Ray that is started for it."""

import importlib.util
import shutil
from dataclasses import replace

import pytest

from isoflop.runs.folder import RunFolder, run_folders
from isoflop.study.decisions import read_decisions, write_decisions
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design

from .test_engines import LIBRARIES
from .tiny import decided, isoflop


def without_last_batches(finished, target, batches):
    """A copy of the study before its last `batches` batches were decided: their runs, and what came after, are gone."""
    study = StudyFolder(finished.copy(target))
    record = read_decisions(study)
    kept = replace(record, decisions=record.decisions[: -batches - 1], final_flops=None, one_more=None)
    known = kept.design(Design.load(study.sweep)).by_id
    for run in run_folders(study.runs):
        if run.run_id not in known:
            shutil.rmtree(run.path)
    for name in ("fits", "plans", "forecasts"):
        shutil.rmtree(study.path / name)
    write_decisions(study, kept)
    return study


@pytest.mark.parametrize("engine", LIBRARIES)
def test_a_cluster_trains_each_batch_after_its_decision(finished_adaptive, tmp_path, engine):
    if importlib.util.find_spec(LIBRARIES[engine]) is None:
        pytest.skip(f"needs the extra {engine}")
    study = without_last_batches(finished_adaptive, tmp_path / "study", 2)
    if engine == "slurm":
        with open(study.settings, "a") as settings:
            settings.write('\n[slurm]\ncluster = "local"\n')
    missing = len(run_folders(finished_adaptive.path / "runs")) - 2 - len(run_folders(study.runs))
    assert missing >= 2
    code, _, stderr = isoflop("sweep", study.path, "--go", "--engine", engine)
    assert code == 0, stderr
    assert decided(study.path) == decided(finished_adaptive.path)
    assert study.sweep.read_bytes() == (finished_adaptive.path / "sweep.json").read_bytes()
    *_, one, two, _end = (
        [RunFolder(study.runs / run.candidate.key).read_result() for run in each.decision.runs]
        for each in read_decisions(study).decisions
    )
    assert max(result.finished for result in one) <= min(result.finished - result.wall_seconds for result in two)
    for result in (*one, *two):
        other = RunFolder(finished_adaptive.path / "runs" / result.run_id).read_result()
        assert (result.val_loss_nats, result.params) == (other.val_loss_nats, other.params)
