"""Files damaged on the disk, or of another run, lead to a message and never to another loss."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from isoflop.corpus import Corpus, load_corpus, token_files
from isoflop.errors import InputError
from isoflop.runs.folder import RunFolder
from isoflop.train.loop import Stopped, run
from train.test_checkpoint_digests import flip
from train.test_loop import StopAfter, losses, spec_for, trained


@pytest.fixture
def own_corpus(tmp_path: Path, tiny_corpus: Corpus) -> Path:
    """A copy of the tiny corpus, to be damaged."""
    return shutil.copytree(tiny_corpus.directory, tmp_path / "corpus")


@pytest.mark.parametrize("name", ["train.bin", "val-"])
def test_a_run_does_not_start_on_a_damaged_corpus(tmp_path: Path, own_corpus: Path, name: str) -> None:
    path = next(own_corpus.glob(f"{name}*"))
    flip(path, 4 * path.stat().st_size)
    corpus = load_corpus(own_corpus)
    folder = RunFolder.create(tmp_path / "runs", spec_for(corpus))
    with pytest.raises(InputError, match=rf"{path.name}: its bytes are not those that were written"):
        run(folder, corpus, lambda: False)
    assert (folder.read_result(), folder.attempts()) == (None, ())


def test_a_run_on_a_corpus_damaged_meanwhile_has_no_result(
    tmp_path: Path, own_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_files, "REST", 0.0)
    corpus = load_corpus(own_corpus)
    folder = RunFolder.create(tmp_path / "runs", spec_for(corpus))
    with pytest.raises(Stopped):
        run(folder, corpus, StopAfter(10))
    flip(own_corpus / "train.bin", 1234)  # a process that has verified it does not read it again at a second start
    with pytest.raises(InputError, match=r"train\.bin: its bytes are not those that were written"):
        run(folder, corpus, lambda: False)
    assert folder.read_result() is None
    flip(own_corpus / "train.bin", 1234)
    run(folder, corpus, lambda: False)
    result = folder.read_result()
    assert result is not None
    assert result.status == "done"


def test_a_study_of_an_earlier_version_continues(tmp_path: Path, own_corpus: Path, tiny_corpus: Corpus) -> None:
    whole = trained(tmp_path / "whole", spec_for(tiny_corpus), tiny_corpus)
    info = json.loads((own_corpus / "corpus.json").read_text())
    for row in (info["train"], *info["validation"].values()):
        del row["blocks"]
    (own_corpus / "corpus.json").write_text(json.dumps(info))
    old = load_corpus(own_corpus)
    folder = RunFolder.create(tmp_path / "runs", spec_for(old))
    with pytest.raises(Stopped):
        run(folder, old, StopAfter(30))
    for path in folder.checkpoints.glob("*/digests-*.json"):
        path.unlink()
    run(folder, load_corpus(own_corpus), lambda: False)
    first, second = folder.attempts()
    assert (first.from_step, second.from_step > 0) == (0, True)
    assert losses(folder) == losses(whole)


def test_a_checkpoint_from_beyond_the_end_is_of_another_run(tmp_path: Path, tiny_corpus: Corpus) -> None:
    spec = spec_for(tiny_corpus)
    folder = RunFolder.create(tmp_path, spec)
    with pytest.raises(Stopped):
        run(folder, tiny_corpus, StopAfter(10))
    (newest,) = folder.checkpoints.glob("step-*")
    value = json.loads((newest / "progress.json").read_text()) | {"step": spec.steps + 1}
    for path in newest.glob("digests-*.json"):
        path.unlink()
    (newest / "progress.json").write_text(json.dumps(value))
    newest.rename(newest.with_name(f"step-{spec.steps + 1:08d}"))
    with pytest.raises(InputError, match=f"step {spec.steps + 1} in a run of {spec.steps} steps"):
        run(folder, tiny_corpus, lambda: False)
    assert folder.read_result() is None


def test_a_spec_that_was_edited_trains_nothing(tmp_path: Path, tiny_corpus: Corpus) -> None:
    folder = RunFolder.create(tmp_path, spec_for(tiny_corpus))
    value = json.loads(folder.spec.read_text())
    folder.spec.write_text(json.dumps({**value, "seed": 1}))
    with pytest.raises(InputError, match=r"spec\.json: not the spec whose hash names this folder"):
        run(folder, tiny_corpus, lambda: False)


def test_a_model_of_fewer_ids_than_the_corpus_has_reads_beyond_no_memory(tmp_path: Path, tiny_corpus: Corpus) -> None:
    spec = spec_for(tiny_corpus)
    value = spec.as_json()
    value["architecture"]["vocab_size"] = 64
    folder = RunFolder.create(tmp_path, type(spec).from_json(value))
    with pytest.raises(InputError, match="a vocabulary of 64, and the corpus has 257 ids"):
        run(folder, tiny_corpus, lambda: False)


def test_a_result_of_another_run_is_not_taken_for_its_own(tmp_path: Path, tiny_corpus: Corpus) -> None:
    other = trained(tmp_path, spec_for(tiny_corpus), tiny_corpus)
    folder = RunFolder.create(tmp_path, spec_for(tiny_corpus, seed=1))
    shutil.copy(other.result, folder.result)
    with pytest.raises(InputError, match="not a result of this run"):
        run(folder, tiny_corpus, lambda: False)
