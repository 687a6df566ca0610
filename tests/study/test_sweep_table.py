"""The sweep's table is made of typed results: it names why a run has no row in the fits."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from isoflop.runs.outcomes import digest_of, observations_of
from isoflop.study.folder import StudyFolder
from isoflop.study.sweep_table import is_table_of, sweep_outcomes, table_of
from isoflop.sweep import Design

DIGEST = "958be36f1e3667b9f6190de4e19662f64130dfa801fb3f73e3a9b7e07f047618"
"""Digest of the old study's observations, which its sealed forecast names."""


@pytest.fixture
def folder(old_study) -> StudyFolder:
    return StudyFolder(old_study)


def fail(run: Path, reason: str) -> None:
    """Makes the result of the folder `run` that of a failed run."""
    result = json.loads((run / "result.json").read_text())
    unknown = dict.fromkeys(("val_loss_nats", "val_loss_se", "bits_per_byte", "train_loss_nats"))
    failed = {"status": "failed", "reason": reason, "message": "loss of step 7 is nan", "domains": {}}
    (run / "result.json").write_text(json.dumps(result | unknown | failed))


def test_the_table_of_a_stored_study_is_made_again_byte_for_byte(folder):
    outcomes = sweep_outcomes(folder, Design.load(folder.sweep))
    assert digest_of(observations_of(outcomes)) == DIGEST
    assert table_of(outcomes).encode() == folder.observations.read_bytes()


def test_a_table_with_the_columns_of_an_earlier_version_is_the_same_table(folder):
    outcomes = sweep_outcomes(folder, Design.load(folder.sweep))
    rows = list(csv.reader(folder.observations.read_text().splitlines()))
    fewer = "".join(",".join(row[:6]) + "\n" for row in rows)
    assert is_table_of(fewer.encode(), outcomes)
    assert not is_table_of(fewer.replace("1.2", "1.3", 1).encode(), outcomes)
    assert not is_table_of(b"loss,other\n", outcomes)


def test_runs_without_a_loss_are_listed_with_what_became_of_them(folder):
    design = Design.load(folder.sweep)
    diverged, missing, interrupted = (outcome.run_id for outcome in sweep_outcomes(folder, design)[:3])
    fail(folder.runs / diverged, "diverged")
    shutil.rmtree(folder.runs / missing)
    (folder.runs / interrupted / "result.json").unlink()
    outcomes = sweep_outcomes(folder, design)
    observations = observations_of(outcomes)
    assert {item.run_id: (item.code, item.reason) for item in observations.dropped} == {
        diverged: ("unfinished", "the run failed: diverged"),
        missing: ("unfinished", "the run is not finished: not run"),
        interrupted: ("unfinished", "the run is not finished: interrupted"),
    }
    assert len(observations) == len(outcomes) - 3
    assert digest_of(observations) != DIGEST
    assert not is_table_of(folder.observations.read_bytes(), outcomes)


def test_a_table_of_branches_has_a_column_of_their_trees(folder):
    outcomes = sweep_outcomes(folder, Design.load(folder.sweep))
    branched = [replace(outcomes[1], tree=outcomes[0].run_id), *outcomes[2:], outcomes[0]]
    lines = table_of(branched).splitlines()
    assert lines[0].endswith(",tree")
    assert lines[1].endswith(f",{outcomes[0].run_id}")
    assert is_table_of(table_of(branched).encode(), branched)
    assert not is_table_of(table_of(branched).encode(), outcomes)
    assert "tree" not in table_of(outcomes).splitlines()[0]
