"""`isoflop ledger`: forecasts written down, found, and counted."""

import json

import pytest

ADD = ("--predicted", "2.01", "--interval", "1.97", "2.06", "--from", "nine runs", "--when", "2026-03-01")


@pytest.fixture
def notes(run, tmp_path):
    folder = tmp_path / "notes"
    assert run("ledger", folder, "--add", "big-run", *ADD, "--flops", "1e21", "--data-flops", "1e20").exit_code == 0
    assert (
        run("ledger", folder, "--add", "size", "--quantity", "params", "--predicted", "70B", "--from", "x").exit_code
        == 0
    )
    assert run("ledger", folder, "--outcome", "big-run", "2.03", "--when", "2026-05-01").exit_code == 0
    return folder


def test_the_json_has_the_stable_keys(answer, notes):
    found = answer("ledger", notes)
    big, size = found["entries"]
    assert {"name", "sealed", "scored", "counted", "why_not", "predicted", "interval", "actual", "z"} <= set(big)
    assert (big["name"], big["counted"], big["why_not"]) == ("big-run", True, None)
    assert (big["predicted"], big["interval"], big["actual"]) == (2.01, [1.97, 2.06], 2.03)
    assert big["extrapolation_factor"] == 10
    assert 0 < big["z"] < 1
    assert (size["counted"], size["why_not"], size["predicted"]) == (False, "no outcome yet", 7e10)
    last = found["coverage"][-1]
    assert (last["level"], last["hits"], last["of"]) == (0.9, 1, 1)
    assert last["interval"][1] == 1.0


@pytest.mark.parametrize("columns", [60, 80])
def test_it_is_printed_within_the_terminal(run, notes, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = run("ledger", notes).stdout
    assert " ".join(shown.split()).startswith(
        "1 of 1 interval of 90 % held what came, of 1 study: a share of 27 % to 100 %."
    )
    assert max(map(len, shown.splitlines())) <= columns
    assert "no outcome yet" in shown


def test_what_is_written_down_is_told(answer, tmp_path):
    found = answer("ledger", tmp_path, "--add", "a", *ADD)
    assert json.loads((tmp_path / "a.forecast.json").read_text())["written_forecast"]["name"] == "a"
    assert found == {"written": str(tmp_path / "a.forecast.json")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--add", "a"), "--predicted NUMBER"),
        (("--predicted", "2"), "--add NAME"),
        (("--add", "a", "--predicted", "x", "--from", "b"), "--predicted"),
        (("--add", "a", "--predicted", "2", "--from", "b", "--level", "0.8"), "--interval LOW HIGH"),
        (("--add", "a", "--predicted", "2", "--from", "b", "--interval", "2", "3", "--level", "8"), "level"),
        (("--add", "a", "--predicted", "2", "--from", "b", "--when", "soon"), "expected a date"),
        (("--add", "a", "--interval", "1.9,2.1", "--from", "b"), "expected LOW HIGH"),
        (("--outcome", "a", "2", "--level", "0.8"), "leave --level out"),
        (("--outcome", "a", "2"), "no forecast 'a'"),
        (("--add", "a/b", "--predicted", "2", "--from", "b"), "name"),
    ],
)
def test_what_cannot_be_written_down_is_refused(run, tmp_path, options, message):
    found = run("ledger", tmp_path, *options)
    assert (found.exit_code, message in found.stderr) == (2, True), found.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_will_not_count_is_told_at_once(run, tmp_path):
    late = run("ledger", tmp_path, "--add", "late", *ADD, "--began", "2026-02-20")
    assert (late.exit_code, "after its run began on 2026-02-20" in late.stderr) == (0, True)
    assert run("ledger", tmp_path, "--add", "good", *ADD).stderr == ""
    early = run("ledger", tmp_path, "--outcome", "good", "2.03", "--when", "2026-01-01")
    assert "older than the forecast" in early.stderr


def test_two_folders_are_read_and_not_written_to(run, tmp_path):
    assert run("ledger", tmp_path, tmp_path).stdout == "No forecast was found.\n"
    assert run("ledger", tmp_path, tmp_path, "--add", "a", *ADD).exit_code == 2
