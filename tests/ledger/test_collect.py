"""What is found in folders that may be anybody's."""

import json
import os
import shutil

import pytest
from plan.forecasts import forecast

from isoflop.errors import InputError
from isoflop.ledger import add_forecast, add_outcome, read_ledger
from isoflop.plan import score, seal
from ledger.test_written import MAY, written


def names(ledger):
    return {entry.name: entry.why_not for entry in ledger.entries}


def test_studies_and_files_are_found_below_a_folder(study, tmp_path):
    add_forecast(tmp_path / "notes", written())
    add_outcome(tmp_path / "notes", "big run", 2.03, when=MAY)
    seal(tmp_path / "loose" / "planned.json", forecast(run_id=None))
    score(tmp_path / "loose" / "planned.json", 1.5)
    (tmp_path / "other.json").write_text('{"loss": 2}')
    found = read_ledger([tmp_path])
    assert names(found) == {"big run": "", "study": "", "loose/planned": ""}
    assert {entry.name for entry in found.backtests} == {"study, best loss"}
    assert [notice.code for notice in found.notices] == ["few_forecasts", "order_as_stated"]
    assert study == tmp_path / "study"


def test_a_study_is_found_by_itself_and_once(study, tmp_path):
    assert set(names(read_ledger([study]))) == {"study"}
    shutil.copytree(study, tmp_path / "copy")
    found = read_ledger([tmp_path, study, tmp_path / "copy", study / "forecasts" / "final.json"])
    assert sorted(names(found).values()) == [
        "",
        "a copy of copy, which is listed already",
        "a copy of copy, which is listed already",
    ]
    assert found.coverage[-1].of == 1
    assert sum(entry.counted for entry in found.backtests) == 1


def test_of_copies_the_one_with_an_outcome_counts(tmp_path):
    seal(tmp_path / "b.json", forecast(run_id=None))
    shutil.copy(tmp_path / "b.json", tmp_path / "a.json")
    score(tmp_path / "b.json", 1.5)
    assert names(read_ledger([tmp_path])) == {"a": "a copy of b, which is listed already", "b": ""}


def test_two_forecasts_of_one_name_are_told_apart(tmp_path):
    for folder, loss in (("a", 2.01), ("b", 2.02)):
        add_forecast(tmp_path / folder, written(predicted=loss))
    assert set(names(read_ledger([tmp_path]))) == {"big run", "big run (2)"}


def test_links_are_not_followed(study, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.symlink(study, elsewhere / "link")
    os.symlink(study / "forecasts" / "final.json", elsewhere / "final.json")
    os.symlink("loop.json", elsewhere / "loop.json")
    os.symlink(elsewhere, elsewhere / "round")
    found = read_ledger([elsewhere])
    assert (found.entries, found.notices) == ((), ())


def test_a_folder_of_forecasts_by_hand_is_no_study(tmp_path):
    add_forecast(tmp_path / "forecasts", written())
    add_outcome(tmp_path / "forecasts", "big run", 2.03, when=MAY)
    for folder in ("runs", "plans/logs"):  # any folder of theirs may have such a name
        add_forecast(tmp_path / folder, written(name=folder.replace("/", " ")))
    found = read_ledger([tmp_path])
    assert names(found) == {"big run": "", "runs": "no outcome yet", "plans logs": "no outcome yet"}
    assert "forecast_unreadable" not in {notice.code for notice in found.notices}


def test_what_is_damaged_is_told_and_the_rest_stands(study, tmp_path):
    forecasts = study / "forecasts"
    (forecasts / "torn.json").write_text('{"digest": ')
    (forecasts / "deep.json").write_text("[" * 100_000)
    (forecasts / "empty.json").touch()
    os.mkfifo(forecasts / "pipe.json")
    os.symlink("/dev/zero", forecasts / "zero.json")
    with open(forecasts / "huge.json", "wb") as file:
        file.truncate(2**40)
    (tmp_path / "half.forecast.json").write_text(json.dumps({"schema": 1, "written_forecast": {"name": "half"}}))
    found = read_ledger([tmp_path])
    assert names(found) == {"study": ""}
    told = [notice.message for notice in found.notices if notice.code == "forecast_unreadable"]
    assert len(told) == 7
    assert [sum(name in message for message in told) for name in ("torn", "pipe", "zero", "huge", "half")] == [1] * 5


def test_a_damaged_backtest_is_told(study):
    (study / "fits" / "backtest.json").write_text("{")
    found = read_ledger([study])
    assert names(found) == {"study": ""}
    assert "backtest.json" in found.notices[0].message


@pytest.mark.parametrize("name", ["nowhere", "loss.json", "big-run.outcome.json"])
def test_a_place_that_is_named_and_has_no_forecast_is_refused(tmp_path, name):
    add_forecast(tmp_path, written())
    add_outcome(tmp_path, "big run", 2.03, when=MAY)
    (tmp_path / "loss.json").write_text('{"loss": 2}')
    with pytest.raises(InputError, match=name):
        read_ledger([tmp_path / name])


def test_an_empty_folder_has_an_empty_ledger(tmp_path):
    found = read_ledger([tmp_path])
    assert (found.entries, found.kinds, found.notices) == ((), (), ())
    assert [one.of for one in found.coverage] == [0, 0, 0]
    assert found.as_json()["entries"] == []
