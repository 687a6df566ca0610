"""A text that is too short for the planned run makes it smaller, before any of it is trained."""

import pytest

from isoflop.fit import FitReport
from isoflop.plan import fitted_source
from isoflop.study import open_study, training_stages
from isoflop.study.analysis_stages import plan_within_text
from isoflop.study.text_limit import most_tokens

from .tiny import call, refused


def test_a_plan_reads_the_text_four_times_at_most(finished_study):
    study = open_study(finished_study.path)
    text = training_stages.built_corpus(study)
    source, recipe = fitted_source(FitReport.load(study.folder.fit)), study.recipe(text.vocab_size)
    most = most_tokens(study.settings, text)
    assert most == text.free_tokens <= 4 * text.train_tokens
    enough = plan_within_text(study, source, 3e10, recipe)
    assert enough.flops == 3e10
    assert "text_limits_plan" not in {notice.code for notice in enough.notices}
    limited = plan_within_text(study, source, 1e14, recipe)
    assert limited.flops < 1e14
    assert 0.9 * most <= limited.buildable.run.tokens <= most
    notice = next(notice for notice in limited.notices if notice.code == "text_limits_plan")
    assert "FLOPs of 1e14" in notice.message
    assert limited.as_json()["flops"] == pytest.approx(limited.buildable.run.flops, rel=0.1)


@pytest.fixture
def short_text(text_folder, tmp_path):
    """The first 600 documents, of 150 KB."""
    folder = tmp_path / "short"
    folder.mkdir()
    for file in sorted(text_folder.glob("*.txt"))[:600]:
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_a_sweep_says_before_it_begins_that_the_text_limits_the_planned_run(short_text, tmp_path):
    options = ("--text", short_text, "--adaptive", "--flops", "3e11", "--seq-len", "32", "--workers", "2")
    assert "[text_limits_plan]" in call("sweep", tmp_path / "study", *options).stderr
    free = call("sweep", tmp_path / "free", *options, "--allow-epochs")
    assert "text_limits_plan" not in free.stderr


def test_a_text_that_suffices_for_no_sweep_is_refused_as_such(short_text, tmp_path):
    for file in sorted(short_text.iterdir())[200:]:
        file.unlink()
    options = ("--text", short_text, "--adaptive", "--flops", "3e11", "--seq-len", "32")
    message = refused("sweep", tmp_path / "study", *options)
    assert "too few for an adaptive sweep of any size; give more text" in message
