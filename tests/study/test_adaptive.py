"""An adaptive sweep inside a study: decided in batches, killed at any moment, and stopped with a reason."""

import importlib.util
import json
import os
import random
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import replace

import pytest
from hostile import studies
from waiting import finish, wait_until

from isoflop.runs.folder import RunFolder, run_folders
from isoflop.runs.result import OF_THE_CLOCK
from isoflop.runs.run_index import RunIndex
from isoflop.study.decisions import read_decisions, write_decisions
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design, fitted_specs, spent_flops
from isoflop.sweep.allowance import FINAL_RATIO, SWEEP_SHARE

from .test_engines import LIBRARIES
from .tiny import Finished, call, isoflop, refused, start

FLOPS = 8e10
OPTIONS = ("--adaptive", "--flops", str(FLOPS), "--seq-len", "32", "--workers", "2")
CLOCK = {"attempts", "first_started", "finished", *OF_THE_CLOCK}


@pytest.fixture(scope="module")
def finished_adaptive(tmp_path_factory) -> Finished:
    path = tmp_path_factory.mktemp("adaptive") / "study"
    code, stdout, stderr = isoflop("study", path, *OPTIONS)
    assert code == 0, stderr
    return Finished(path=path, stdout=stdout, stderr=stderr)


def decided(path):
    """What was decided, without the time at which it was, and without seconds by the machine as each study found it."""
    kept = []
    for one in read_decisions(StudyFolder(path)).decisions:
        runs = tuple(replace(run, candidate=replace(run.candidate, seconds=1.0)) for run in one.decision.runs)
        kept.append((replace(one.decision, runs=runs), one.rows))
    return kept


def test_a_damaged_record_of_decisions_is_answered_or_refused(finished_adaptive, tmp_path):
    assert studies.faults_of("sweep/decisions.json", finished_adaptive.path, tmp_path, 12) == []


def test_it_ends_with_a_reason_and_within_its_limits(finished_adaptive):
    record = read_decisions(StudyFolder(finished_adaptive.path))
    design = Design.load(finished_adaptive.path / "sweep.json")
    final = Design.load(finished_adaptive.path / "plans" / "contest.json")
    assert record.last.stop is not None
    assert all(one.decision.stop is None for one in record.decisions[:-1])
    total = spent_flops(design.specs) + spent_flops(final.specs)
    assert total <= FLOPS
    assert spent_flops(design.specs) <= SWEEP_SHARE * total
    assert max(spec.flops for spec in design.specs) * FINAL_RATIO <= record.final_flops
    assert final.specs[0].budget_flops == record.final_flops
    # every decision rests on all runs that were decided on before it
    known = len(fitted_specs(design)) - sum(len(one.decision.runs) for one in record.decisions)
    for one in record.decisions:
        assert len(one.rows) == one.decision.rows == known
        known += len(one.decision.runs)
    for one in record.decisions:
        assert one.decision.sentence in " ".join(finished_adaptive.stderr.split())


def test_status_and_page_say_what_the_sweep_cost_and_why_it_ended(finished_adaptive):
    answer = json.loads(call("status", finished_adaptive.path, "--json").stdout)
    sweep, record = answer["sweep"], read_decisions(StudyFolder(finished_adaptive.path))
    assert sweep["sweep_share"] == sweep["sweep_flops"] / sweep["target_flops"]
    assert sweep["expected_waste"] == (record.one_more or record.last).waste_before
    assert sweep["stopped_because"] == record.last.stop
    assert len(sweep["decisions"]) == len(record.decisions)
    assert sweep["next_batch"]["waste_after"] <= sweep["expected_waste"]
    assert sweep["noise_floor"]["sd"] > 0
    assert f"It ended: {record.last.stop}." in " ".join(finished_adaptive.stdout.split())
    page = (finished_adaptive.path / "report.html").read_text()
    assert "How the sweep was decided" in page
    assert "nothing to do" in call("study", finished_adaptive.path).stderr


def test_a_record_that_was_changed_is_refused(finished_adaptive, tmp_path):
    copy = StudyFolder(finished_adaptive.copy(tmp_path / "copy"))
    value = json.loads(copy.decisions.read_text())
    value["final_flops"] = 2 * value["final_flops"]
    copy.decisions.write_text(json.dumps(value))
    assert "changed after it was written" in refused("status", copy.path)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


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


def test_killed_at_five_random_moments_it_decides_the_same(finished_adaptive, tmp_path):
    dice = random.Random(0)
    study = finished_adaptive.begun(tmp_path / "study")
    runs = len(run_folders(finished_adaptive.path / "runs"))
    driver = start("study", study)
    for moment in sorted(dice.sample(range(2, runs - 3), 5)):
        wait_until(lambda m=moment: sum(r.result.exists() for r in run_folders(study / "runs")) >= m, driver)
        time.sleep(dice.uniform(0, 0.5))
        driver.kill()
        driver.communicate()
        for folder in run_folders(study / "runs"):
            if folder.is_locked():
                with suppress(OSError, IndexError, ValueError):
                    _kill(int(folder.lock_file.read_text().split()[1]))
        driver = start("study", study)
    _, stderr = finish(driver)
    assert driver.returncode == 0, stderr
    assert decided(study) == decided(finished_adaptive.path)
    for name in ("sweep.json", "plans/contest.json", "fits/observations.csv"):
        assert (study / name).read_bytes() == (finished_adaptive.path / name).read_bytes(), name
    rows, others = (
        [{key: value for key, value in row.items() if key not in CLOCK} for row in RunIndex(path / "study.db").rows()]
        for path in (study, finished_adaptive.path)
    )
    assert rows == others
    plan, other = (json.loads((path / "plans/final.json").read_text()) for path in (study, finished_adaptive.path))
    assert (plan["params"], plan["tokens"], plan["run"]) == (other["params"], other["tokens"], other["run"])
