"""`isoflop sweep` without --go shows a design and binds nobody to it."""

import json

import pytest
from study.tiny import OPTIONS, call, refused

from isoflop.study import StudyFolder, read_settings


@pytest.fixture
def study(finished_study, tmp_path):
    """A study with its corpus and measured machine, whose runs are not designed."""
    return finished_study.begun(tmp_path / "study")


def test_a_later_sweep_takes_other_options(study):
    first = call("sweep", study, *OPTIONS, "--json")
    assert first.exit_code == 0, first.stderr
    assert not StudyFolder(study).sweep.exists()
    assert not StudyFolder(study).runs.exists()
    for options in (("--family", "gpt"), ("--seed", "5"), ("--budgets", "4", "--flops", "6e10")):
        other = call("sweep", study, *options, "--json")
        assert other.exit_code == 0, other.stderr
    assert len(json.loads(other.stdout)["budgets"]) == 4
    settings = read_settings(StudyFolder(study))
    assert (settings.family, settings.seed, settings.budgets, settings.flops) == ("gpt", 5, 4, 6e10)


def test_the_bill_is_that_of_the_study_that_is_there(finished_study):
    before = StudyFolder(finished_study.path).sweep.read_bytes()
    assert call("sweep", finished_study.path).exit_code == 0
    assert StudyFolder(finished_study.path).sweep.read_bytes() == before
    assert "designed with" in refused("sweep", finished_study.path, "--seed", "5")


def test_run_says_how_runs_are_designed(study):
    assert call("sweep", study, *OPTIONS).exit_code == 0
    assert f"`isoflop sweep {study} --go` designs and trains them" in refused("run", study)
