"""`isoflop seal`: a digest shown, put where others look, and looked up there."""

import json

import pytest
from plan.forecasts import forecast

from isoflop.plan import seal


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "study" / "forecasts" / "final.json"
    seal(file, forecast())
    return file


def test_it_shows_digest_order_and_data(run, path):
    sealed = json.loads(path.read_text())
    for given in (path, path.parent.parent):
        result = run("seal", given)
        assert result.exit_code == 0, result.stderr
        shown = " ".join(result.stdout.split())
        assert f"Digest {sealed['digest']}" in shown
        assert "before the run" in shown
        assert "ab" * 32 in shown


def test_to_a_file_and_checked_there(run, answer, path, tmp_path):
    notes = tmp_path / "notes.txt"
    assert "Written to" in run("seal", path, "--to", notes).stdout
    assert "Stands in" in run("seal", path, "--to", notes).stdout
    assert len(notes.read_text().splitlines()) == 1
    found = answer("seal", path, "--check", "--to", notes)
    assert found["witness"]["added"] is False
    assert found["witness"]["line"].startswith(found["digest"])
    other = tmp_path / "other.json"
    seal(other, forecast(loss=1.51))
    refused = run("seal", other, "--check", "--to", notes)
    assert (refused.exit_code, "no line with digest" in refused.stderr) == (3, True)
    assert len(notes.read_text().splitlines()) == 1, "to look writes nothing"


def test_a_forecast_that_was_changed_is_not_witnessed(run, path, tmp_path):
    path.chmod(0o644)
    path.write_text(path.read_text().replace("1.5", "1.4"))
    refused = run("seal", path, "--to", tmp_path / "notes.txt")
    assert (refused.exit_code, "changed after it was sealed" in refused.stderr) == (2, True)
    assert not (tmp_path / "notes.txt").exists()


def test_a_seal_that_came_late_is_reported(run, path):
    folder = path.parent.parent / "runs" / "0123456789ab"
    folder.mkdir(parents=True)
    line = {"started": 1.5, "pid": 1, "host": "a", "from_step": 0, "forecast": ""}
    (folder / "attempts.jsonl").write_text(json.dumps(line) + "\n")
    result = run("seal", path)
    assert "sealed after the run began: not a forecast" in " ".join(result.stdout.split())
    assert "[sealed_after_start]" in result.stderr


def test_what_is_missing_is_reported(run, tmp_path, path):
    assert "needs --to FILE or --to git" in run("seal", path, "--check").stderr
    assert "no sealed forecast" in run("seal", tmp_path).stderr
    assert "no such file" in run("seal", tmp_path / "none.json").stderr
