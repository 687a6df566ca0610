"""`isoflop.ledger(paths)` in Python."""

import json

import pytest
from ledger.test_written import MAY, written

import isoflop
from isoflop.errors import InputError
from isoflop.ledger import add_forecast, add_outcome


@pytest.fixture
def found(tmp_path):
    add_forecast(tmp_path, written())
    add_outcome(tmp_path, "big run", 2.03, when=MAY)
    return isoflop.ledger(tmp_path)


def test_it_answers_as_the_command_line_does(found, tmp_path):
    assert json.loads(json.dumps(found.as_json()))["entries"][0]["actual"] == 2.03
    assert [entry.name for entry in isoflop.ledger([tmp_path]).result.entries] == ["big run"]
    answer, lean, grade = repr(found).split("\n  ")
    assert answer.startswith("1 of 1 interval of 90 % held what came")
    assert lean.startswith("Losses came 1.00 % above their forecasts")
    assert grade == "1 of 1 forecast count; with care (few_forecasts)"


def test_its_frames_have_a_row_each(found):
    assert list(found.entries["name"]) == ["big run"]
    assert list(found.coverage["level"]) == [0.5, 0.8, 0.9]


def test_its_figures_are_those_of_the_page(found, tmp_path):
    assert found.figure().layout.xaxis.title.text == "nominal probability of the interval"
    assert found.figure("scores").layout.xaxis.type == "date"
    assert found.report(tmp_path / "page.html").stat().st_size > 1e6
    assert "<svg" in found._repr_html_()
    with pytest.raises(InputError, match="overview"):
        found.figure("nothing")


def test_the_room_and_the_function_are_one_name():
    from isoflop.ledger import read_ledger

    assert callable(isoflop.ledger)
    assert isoflop.ledger.read_ledger is read_ledger
