"""A branch is the run trained straight to its horizon: the same loss, whatever was killed or lost on the way."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from isoflop.begins import Begins
from isoflop.corpus import Corpus
from isoflop.errors import InputError
from isoflop.recipe import SmallRecipe
from isoflop.run_tree import steps_to_keep
from isoflop.runs.folder import RunFolder
from isoflop.runs.kept import (
    ask_for,
    ask_to_keep,
    asked_steps,
    is_kept,
    keep_file,
    kept_checkpoint,
    kept_steps,
    remove_kept,
)
from isoflop.runs.result import RunResult
from isoflop.spec import RunSpec
from isoflop.sweep import branch_of
from isoflop.train.loop import Stopped, run
from train.test_loop import StopAfter, losses, spec_for

SHORT = 30


def ask_for_branches(runs: Path, specs: list[RunSpec], longer: bool = False) -> None:
    """Has the runs that others of `specs` begin from keep their checkpoints there."""
    for name, steps in steps_to_keep(specs, longer=longer).items():
        ask_for(RunFolder(runs / name), *steps)


def tree(corpus: Corpus, **changes: object) -> tuple[RunSpec, RunSpec, RunSpec]:
    """A trunk of 480 steps, a branch of 30, and that branch as a run of its own."""
    trunk = spec_for(corpus, **changes)
    branch = branch_of(trunk, SHORT * trunk.batch_tokens)
    return trunk, branch, replace(branch, begins=None)


def trained(runs: Path, spec: RunSpec, corpus: Corpus, stops: tuple[int, ...] = ()) -> RunFolder:
    """The run after it was stopped at its `stops`-th questions, each time after a start of its own."""
    folder = RunFolder.create(runs, spec)
    for questions in stops:
        with pytest.raises(Stopped):
            run(folder, corpus, StopAfter(questions))
    run(folder, corpus, lambda: False)
    return folder


def result_of(folder: RunFolder) -> RunResult:
    result = folder.read_result()
    assert result is not None
    return result


def same_numbers(branch: RunFolder, straight: RunFolder) -> None:
    a, b = result_of(branch), result_of(straight)
    assert a.status == b.status == "done"
    assert a.val_loss_nats == pytest.approx(b.val_loss_nats, abs=1e-6)
    assert a.train_loss_nats == pytest.approx(b.train_loss_nats, abs=1e-6)
    assert (a.tokens_seen, a.steps, a.flops, a.domains) == (b.tokens_seen, b.steps, b.flops, b.domains)
    assert branch.weights.read_bytes() == straight.weights.read_bytes()


@pytest.mark.parametrize("hidden", ["adamw", "muon"])
def test_a_branch_equals_the_run_trained_straight(tmp_path: Path, tiny_corpus: Corpus, hidden: str) -> None:
    recipe = SmallRecipe(vocab_size=tiny_corpus.vocab_size)
    trunk, branch, straight = tree(tiny_corpus, optimizer=replace(recipe.optimizer, hidden=hidden))
    begun = branch.begins.step if branch.begins else 0
    folder = RunFolder.create(tmp_path, trunk)
    ask_for_branches(tmp_path, [trunk, branch])
    assert asked_steps(folder) == (begun,) == (24,)
    trained(tmp_path, trunk, tiny_corpus)
    assert kept_steps(folder) == (begun,)
    own = trained(tmp_path, branch, tiny_corpus)
    alone = trained(tmp_path / "alone", straight, tiny_corpus)
    same_numbers(own, alone)
    result = result_of(own)
    assert result.spent_tokens == (SHORT - begun) * trunk.batch_tokens == branch.spent_tokens
    assert result.spent_flops["matmul"] == pytest.approx(branch.spent_flops)
    assert result.flops["matmul"] == pytest.approx(branch.flops)
    assert result_of(folder).spent_tokens == trunk.tokens
    assert not result.notices
    assert [attempt.from_step for attempt in own.attempts()] == [begun]
    # the curve is whole, with one line a step: the parent's up to the step, then its own
    assert [line["step"] for line in own.read_metrics().lines] == list(range(1, SHORT + 1))
    assert losses(own) == pytest.approx(losses(alone), abs=1e-6)
    seconds = [line["wall_seconds"] for line in own.read_metrics().lines]
    assert seconds == sorted(seconds)
    assert result.wall_seconds is not None
    assert result.wall_seconds < seconds[-1]


def test_a_kill_in_the_trunk_and_in_the_branch_changes_nothing(tmp_path: Path, tiny_corpus: Corpus) -> None:
    trunk, branch, straight = tree(tiny_corpus)
    folder = RunFolder.create(tmp_path, trunk)
    ask_for_branches(tmp_path, [trunk, branch])
    # stopped before, at, and after the step of the kept checkpoint: 24
    trained(tmp_path, trunk, tiny_corpus, stops=(20, 4, 7))
    assert [attempt.from_step for attempt in folder.attempts()] == [0, 20, 24, 31]
    own = trained(tmp_path, branch, tiny_corpus, stops=(0, 3))
    assert [attempt.from_step for attempt in own.attempts()] == [24, 24, 27]
    same_numbers(own, trained(tmp_path / "alone", straight, tiny_corpus))
    assert result_of(own).spent_tokens == branch.spent_tokens
    assert [line["step"] for line in own.read_metrics().lines] == list(range(1, SHORT + 1))


def test_a_branch_may_be_asked_for_while_its_trunk_is_trained(tmp_path: Path, tiny_corpus: Corpus) -> None:
    trunk, branch, _ = tree(tiny_corpus)
    folder = RunFolder.create(tmp_path, trunk)

    def ask_at_step_10() -> bool:
        if len(folder.read_metrics().lines) == 10:
            ask_for_branches(tmp_path, [trunk, branch])
        return False

    run(folder, tiny_corpus, ask_at_step_10)
    assert kept_steps(folder) == (24,)


def test_a_longer_run_goes_on_where_the_trunk_began_to_decay(tmp_path: Path, tiny_corpus: Corpus) -> None:
    trunk, _, _ = tree(tiny_corpus)
    longer = branch_of(trunk, 2 * trunk.tokens)
    RunFolder.create(tmp_path, trunk)
    ask_for_branches(tmp_path, [trunk], longer=True)
    trained(tmp_path, trunk, tiny_corpus)
    own = trained(tmp_path, longer, tiny_corpus)
    assert [attempt.from_step for attempt in own.attempts()] == [trunk.shared_steps] == [384]
    same_numbers(own, trained(tmp_path / "alone", replace(longer, begins=None), tiny_corpus))


@pytest.mark.parametrize("damage", ["missing", "no trunk", "a byte", "torn", "no state"])
def test_without_the_checkpoint_all_steps_are_taken_and_it_says_so(
    tmp_path: Path, tiny_corpus: Corpus, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    trunk, branch, straight = tree(tiny_corpus)
    folder = RunFolder.create(tmp_path, trunk)
    if damage != "missing":
        ask_for_branches(tmp_path, [trunk, branch])
    trained(tmp_path, trunk, tiny_corpus)
    state = kept_checkpoint(folder, 24) / "state.safetensors"
    if damage == "no trunk":
        shutil.rmtree(folder.path)
    elif damage == "a byte":
        data = bytearray(state.read_bytes())
        data[-100] ^= 1
        state.write_bytes(data)
    elif damage == "torn":
        state.write_bytes(state.read_bytes()[:1000])
    elif damage == "no state":
        state.unlink()
    own = trained(tmp_path, branch, tiny_corpus, stops=(5,))
    same_numbers(own, trained(tmp_path / "alone", straight, tiny_corpus))
    result = result_of(own)
    assert result.spent_tokens == branch.tokens
    assert [notice.code for notice in result.notices] == ["branch_from_start"]
    assert f"no checkpoint of run {trunk.run_id} at step 24 could be read" in result.notices[0].message
    assert "takes its first 24 steps itself" in capfd.readouterr().err
    assert RunResult.from_json(result.as_json() | {"notices": [n.as_json() for n in result.notices]}) == result


def test_a_parent_that_diverged_before_gives_a_branch_that_did(tmp_path: Path, tiny_corpus: Corpus) -> None:
    trunk, branch, _ = tree(tiny_corpus, peak_lr=1e4)
    ask_for_branches(tmp_path, [trunk, branch])
    parent = trained(tmp_path, trunk, tiny_corpus)
    assert result_of(parent).reason == "diverged"
    result = result_of(trained(tmp_path, branch, tiny_corpus))
    assert (result.status, result.reason, result.steps, result.spent_tokens) == ("failed", "diverged", 0, 0)
    assert trunk.run_id in result.message
    assert result_of(parent).message in result.message


def test_a_parent_with_other_first_steps_is_refused(tmp_path: Path, tiny_corpus: Corpus) -> None:
    trunk, branch, _ = tree(tiny_corpus)
    other = replace(trunk, seed=1, peak_lr=2 * trunk.peak_lr)
    RunFolder.create(tmp_path, other)
    wrong = replace(branch, begins=Begins(run=other.run_id, step=24))
    with pytest.raises(InputError, match="differs in peak_lr, seed, which decide its first steps"):
        trained(tmp_path, wrong, tiny_corpus)


def test_a_parent_that_is_a_link_inside_is_refused(tmp_path: Path, tiny_corpus: Corpus) -> None:
    trunk, branch, _ = tree(tiny_corpus)
    folder = RunFolder.create(tmp_path, trunk)
    (tmp_path / "elsewhere").mkdir()
    (folder.path / "kept").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"):
        trained(tmp_path, branch, tiny_corpus)


def test_what_is_kept_goes_when_nobody_begins_there_any_more(tmp_path: Path, tiny_corpus: Corpus) -> None:
    trunk, _, _ = tree(tiny_corpus)
    folder = RunFolder.create(tmp_path, trunk)
    ask_to_keep(folder, [7])
    ask_to_keep(folder, [7, 9])
    trained(tmp_path, trunk, tiny_corpus)
    assert kept_steps(folder) == (7, 9)
    assert is_kept(folder, 9)
    assert not folder.checkpoints.exists()
    remove_kept([folder, RunFolder(tmp_path / "none")])
    assert kept_steps(folder) == asked_steps(folder) == ()


@pytest.mark.parametrize("text", ['{"schema": 1, "steps": ["/"]}', '{"schema": 1, "steps": [1e9, true]}', "[]", "{}"])
def test_a_damaged_request_is_named(tmp_path: Path, tiny_corpus: Corpus, text: str) -> None:
    folder = RunFolder.create(tmp_path, spec_for(tiny_corpus))
    keep_file(folder).write_text(text)
    with pytest.raises(InputError, match="keep.json"):
        run(folder, tiny_corpus, lambda: False)
