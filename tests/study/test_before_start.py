"""What would stop a study for certain is said before its folder is made, and nothing is left behind."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from isoflop.study import before_start
from isoflop.study.folder import StudyFolder
from isoflop.study.settings import checked_settings
from isoflop.study.size_settings import design_for

from .tiny import OPTIONS, Finished, call, refused


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Modules that are not found, as where they are not installed."""
    names: set[str] = set()
    found = before_start.find_spec
    for module in ("isoflop.study.before_start", "isoflop.study.trainer", "isoflop.runs.registry"):
        monkeypatch.setattr(f"{module}.find_spec", lambda name: None if name in names else found(name))
    return names


@pytest.mark.parametrize(
    "budget",
    [
        ("--flops", "1e10"),
        ("--minutes", "1"),
        ("--minutes", "1", "--design", "isoflop"),
        ("--flops", "1e10", "--budgets", "3"),
        ("--flops", "1e10", "--family", "gopher"),
    ],
)
def test_a_budget_too_small_names_the_least_that_works(tmp_path: Path, budget: tuple[str, ...]) -> None:
    study = tmp_path / "study"
    message = refused("study", study, *budget)
    least = re.search(rf"the least is {budget[0]} (\S+?),", message)
    assert least, message
    assert not study.exists()
    name = budget[0].removeprefix("--")
    options = dict(zip((word.removeprefix("--") for word in budget[2::2]), budget[3::2], strict=True))
    values = {name: float(least[1]), **{key: int(v) if v.isdigit() else v for key, v in options.items()}}
    before_start.check_budget(StudyFolder(study), checked_settings({"design": design_for(values)} | values, "study"))


def test_a_longer_context_and_a_larger_vocabulary_need_more(tmp_path: Path) -> None:
    least = {
        options: float(
            re.findall(r"--flops (\S+),", refused("study", tmp_path / "study", "--flops", "1e9", *options))[0]
        )
        for options in ((), ("--seq-len", "512"), ("--tokenizer", "bpe:4096"))
    }
    assert least["--seq-len", "512"] > least[()]
    assert least["--tokenizer", "bpe:4096"] > least[()]


@pytest.mark.parametrize(
    ("module", "options", "extra"),
    [
        ("torch", (), "train"),
        ("ray", ("--engine", "ray"), "ray"),
        ("wandb", ("--log", "wandb"), "wandb"),
        ("pyarrow", ("--text", "table.parquet"), "tables"),
    ],
)
def test_a_missing_library_is_named_with_the_command_that_installs_it(
    tmp_path: Path, missing: set[str], module: str, options: tuple[str, ...], extra: str
) -> None:
    missing.add(module)
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    options = tuple(str(tmp_path / word) if word.endswith(".parquet") else word for word in options)
    message = refused("study", tmp_path / "study", "--flops", "1e12", *options)
    assert module in message
    assert f"pip install 'isoflop[{extra}]'" in message
    assert not (tmp_path / "study").exists()


def test_all_that_is_missing_is_listed_at_once(tmp_path: Path, missing: set[str]) -> None:
    missing.update(("torch", "ray", "mlflow"))
    message = refused("study", tmp_path / "study", "--flops", "1e12", "--engine", "ray", "--log", "mlflow")
    assert message.splitlines()[0] == "Error: study: 3 problems"
    assert all(f"pip install 'isoflop[{extra}]'" in message for extra in ("train", "ray", "mlflow"))


def test_text_that_is_not_there_leaves_no_folder(tmp_path: Path) -> None:
    for verb in ("study", "corpus"):
        message = refused(verb, tmp_path / "study", "--text", tmp_path / "nowhere")
        assert "check the path" in message
    assert os.listdir(tmp_path) == []


def test_a_folder_of_other_things_stays_as_it_is(tmp_path: Path, text_folder: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    message = refused("study", tmp_path, "--text", text_folder, *OPTIONS)
    assert "not a study, and not empty (thesis.tex)" in message
    assert os.listdir(tmp_path) == ["thesis.tex"]
    below = refused("study", tmp_path / "thesis.tex" / "study", "--text", text_folder, *OPTIONS)
    assert "this is a file" in below


def test_a_designed_study_is_not_asked_again(finished_study: Finished, missing: set[str]) -> None:
    missing.add("torch")
    assert call("study", finished_study.path).exit_code == 0
