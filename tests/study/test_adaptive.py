"""An adaptive sweep inside a study: decided in batches, killed at any moment, and stopped with a reason."""

import json
import os
import random
import signal
import time
from contextlib import suppress

from hostile import studies
from waiting import finish, wait_until

from isoflop.runs.folder import run_folders
from isoflop.runs.result import OF_THE_CLOCK
from isoflop.runs.run_index import RunIndex
from isoflop.study.decisions import read_decisions
from isoflop.study.folder import StudyFolder
from isoflop.sweep import Design, fitted_specs, spent_flops
from isoflop.sweep.allowance import FINAL_RATIO, SWEEP_SHARE

from .tiny import ADAPTIVE_FLOPS, call, decided, refused, start

CLOCK = {"attempts", "first_started", "finished", *OF_THE_CLOCK}


def test_a_damaged_record_of_decisions_is_answered_or_refused(finished_adaptive, tmp_path):
    assert studies.faults_of("sweep/decisions.json", finished_adaptive.path, tmp_path, 12) == []


def test_it_ends_with_a_reason_and_within_its_limits(finished_adaptive):
    record = read_decisions(StudyFolder(finished_adaptive.path))
    design = Design.load(finished_adaptive.path / "sweep.json")
    final = Design.load(finished_adaptive.path / "plans" / "contest.json")
    assert record.last.stop is not None
    assert all(one.decision.stop is None for one in record.decisions[:-1])
    total = spent_flops(design.specs) + spent_flops(final.specs)
    assert total <= ADAPTIVE_FLOPS
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
