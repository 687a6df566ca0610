"""What a person gets wrong: one clear message with what to do, exit code 2, and nothing lost."""

import json
import os
import re
import shutil
import subprocess
from contextlib import suppress

import pytest

from isoflop.runs.folder import run_folders

from .tiny import OPTIONS, call, isoflop, refused


def test_an_empty_text_folder_and_then_a_better_one(tmp_path, text_folder):
    (tmp_path / "empty").mkdir()
    message = refused("study", tmp_path / "study", "--text", tmp_path / "empty", *OPTIONS)
    assert "empty" in message
    assert ".txt" in message
    # nothing is bound yet: the same folder takes the right text
    assert call("corpus", tmp_path / "study", "--text", text_folder).exit_code == 0


def test_no_such_text(tmp_path):
    assert "check the path" in refused("study", tmp_path / "study", "--text", tmp_path / "nowhere", *OPTIONS)


def test_a_text_smaller_than_one_batch(tmp_path, finished_study):
    study = tmp_path / "study"
    study.mkdir()
    shutil.copy(finished_study.path / "machine.json", study)
    text = tmp_path / "small.jsonl"
    text.write_text("".join(json.dumps({"text": word}) + "\n" for word in ("one", "two", "three")))
    message = refused("study", study, "--text", text, *OPTIONS)
    assert "give more text" in message
    assert not (study / "sweep.json").exists()


def test_a_text_read_more_than_four_times_is_refused_until_told(tmp_path, finished_study, text_folder):
    study = tmp_path / "study"
    study.mkdir()
    shutil.copy(finished_study.path / "machine.json", study)
    text = tmp_path / "short"
    text.mkdir()
    for path in sorted(text_folder.glob("*.txt"))[:80]:
        shutil.copy(path, text)
    message = refused("sweep", study, "--text", text, *OPTIONS, "--flops", "3e11")
    assert "epochs" in message
    assert "--allow-epochs" in message
    allowed = call("sweep", study, "--allow-epochs")
    assert allowed.exit_code == 0, allowed.stderr
    assert "warning: " in allowed.stderr
    assert "[repeated_data]" in allowed.stderr


def test_a_broken_line_is_named(tmp_path):
    text = tmp_path / "own.jsonl"
    text.write_text('{"text": "a whole line"}\n{"text": "a broken li\n')
    message = refused("study", tmp_path / "study", "--text", text, *OPTIONS)
    assert "own.jsonl" in message
    assert "2" in message


def test_an_unknown_family(tmp_path, text_folder):
    message = refused("study", tmp_path / "study", "--text", text_folder, "--family", "mamba")
    assert "gopher" in message
    assert "llama" in message
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("verb", ["study", "run", "status", "report", "score"])
def test_a_study_of_another_version(finished_study, tmp_path, verb):
    study = finished_study.copy(tmp_path / "study")
    settings = (study / "study.toml").read_text()
    (study / "study.toml").write_text(settings.replace("schema = 1", "schema = 99"))
    message = refused(verb, study)
    assert "schema 99" in message
    assert "use a new folder" in message


@pytest.mark.parametrize("budget", [("--flops", "1e9"), ("--minutes", "1")])
def test_a_budget_too_small_for_any_model_and_then_a_larger_one(finished_study, tmp_path, budget):
    study = finished_study.begun(tmp_path / "study")
    message = refused("sweep", study, *budget)
    assert "the least is " + budget[0] in message
    assert not (study / "sweep.json").exists()
    larger = call("sweep", study, "--flops", re.findall(r"--flops (\S+),", message)[-1])
    assert larger.exit_code == 0, larger.stderr


def test_other_options_for_a_designed_study(finished_study):
    message = refused("study", finished_study.path, "--flops", "1e12", "--seed", "4")
    assert "designed with flops = 30000000000.0, seed = 0" in message
    assert "another folder" in message


def test_a_file_where_the_study_should_be(tmp_path):
    (tmp_path / "study").write_text("mine")
    assert "this is a file" in refused("study", tmp_path / "study", *OPTIONS)
    assert (tmp_path / "study").read_text() == "mine"


def test_a_corpus_replaced_under_designed_runs(finished_study, tmp_path, text_folder):
    study = finished_study.copy(tmp_path / "study")
    (study / "report.html").unlink()
    results = {folder.run_id: folder.result.read_bytes() for folder in run_folders(study / "runs")}
    other = tmp_path / "other"
    other.mkdir()
    for path in sorted(text_folder.glob("*.txt"))[:2000]:
        shutil.copy(path, other)
    shutil.rmtree(study / "corpus")
    shutil.move(shutil.copytree(_corpus_of(other, tmp_path), tmp_path / "corpus"), study / "corpus")
    toml = (study / "study.toml").read_text()
    (study / "study.toml").write_text(toml.replace(str(text_folder), str(other)))
    message = refused("study", study)
    assert "designed for another corpus" in message
    assert "bring the text back" in message
    assert {folder.run_id: folder.result.read_bytes() for folder in run_folders(study / "runs")} == results
    (study / "study.toml").write_text(toml)
    assert isoflop("study", study)[0] == 0


def _corpus_of(text, tmp_path):
    assert call("corpus", tmp_path / "built", "--text", text).exit_code == 0
    return tmp_path / "built" / "corpus"


def test_a_text_that_is_gone_costs_no_run_that_was_trained_on_it(finished_study, tmp_path, text_folder):
    study = finished_study.copy(tmp_path / "study")
    toml = (study / "study.toml").read_text()
    (study / "study.toml").write_text(toml.replace(str(text_folder), str(tmp_path / "gone")))
    (study / "report.html").unlink()
    code, _, stderr = isoflop("study", study)
    assert code == 0, stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(finished_study, tmp_path):
    study = finished_study.copy(tmp_path / "study")
    (study / "report.html").unlink()
    study.chmod(0o555)
    try:
        assert "no permission to write" in refused("study", study)
    finally:
        study.chmod(0o755)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 1 MiB, where this machine lets us have one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_while_the_corpus_is_built(small_disk, text_folder):
    message = refused("study", small_disk / "study", "--text", text_folder, *OPTIONS)
    assert "disk" in message
    assert "free" in message


def test_a_full_disk_while_training_and_more_room_later(small_disk, finished_study):
    subprocess.run(["mount", "-o", "remount,size=2600k", small_disk], check=True)
    study = finished_study.begun(small_disk / "study")
    code, stdout, stderr = isoflop("study", study, "--flops", "2e10", "--budgets", "1", "--seq-len", "48")
    assert (code, stdout) == (2, "")
    assert "disk full" in stderr
    assert "run the same command again" in stderr
    done = {folder.run_id: folder.result.read_bytes() for folder in run_folders(study / "runs") if folder.read_result()}
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    code, _, stderr = isoflop("run", study)
    assert code == 0, stderr
    kept = {folder.run_id: folder.result.read_bytes() for folder in run_folders(study / "runs")}
    assert done.items() <= kept.items()
    assert len(done) < len(kept) == 11


def test_a_full_disk_under_a_tracker(small_disk, finished_study):
    pytest.importorskip("tensorboard")
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    study = finished_study.copy(small_disk / "study")
    filler = small_disk / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    code, _, stderr = isoflop("log", study, "--to", "tensorboard")
    assert code in (2, 3)
    assert "disk full" in stderr or "No space left on device" in stderr
    filler.unlink()
    code, stdout, stderr = isoflop("log", study, "--to", "tensorboard")
    assert code == 0, stderr
    assert "points of" in stdout


def test_a_largest_file_size(finished_study, tmp_path, text_folder):
    """RLIMIT_FSIZE, as `ulimit -f` sets it."""
    import resource

    study = tmp_path / "study"
    limit = (200_000, 200_000)
    settings = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)}
    code, stdout, stderr = isoflop("corpus", study, "--text", text_folder, **settings)
    assert (code, stdout) == (2, "")
    assert "ulimit -f" in stderr


@pytest.fixture
def without_torch(tmp_path):
    """An environment in which importing torch fails, as where it is not installed or broken."""
    shim = tmp_path / "shim"
    shim.mkdir()
    (shim / "torch.py").write_text("raise ImportError(\"No module named 'torch'\")\n")
    return {"env": {**os.environ, "PYTHONPATH": str(shim)}}


@pytest.mark.parametrize("measured", [False, True])
def test_no_pytorch(finished_study, tmp_path, without_torch, measured):
    study = finished_study.begun(tmp_path / "study")
    if not measured:
        (study / "machine.json").unlink()
    code, stdout, stderr = isoflop("study", study, **without_torch)
    assert (code, stdout) == (2, "")
    assert "pip install 'isoflop[train]'" in stderr
    assert {folder.status() for folder in run_folders(study / "runs")} <= {"waiting"}


def test_generate_without_pytorch(finished_study, without_torch):
    code, _, stderr = isoflop("generate", finished_study.path, **without_torch)
    assert code == 2
    assert "pip install 'isoflop[train]'" in stderr


def test_verbs_on_nothing(tmp_path):
    for verb in ("run", "status", "score", "report", "generate"):
        assert "study" in refused(verb, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_run_before_a_design_says_what_to_do(finished_study, tmp_path):
    study = finished_study.begun(tmp_path / "study")
    assert "isoflop sweep" in refused("run", study)
    assert "isoflop study" in refused("score", study)
    assert "isoflop study" in refused("generate", study)
