"""The looks at a run, kept in a file: what is read back, what counts as a change, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from isoflop.errors import InputError
from isoflop.watch.logbook import Logbook, Look, MethodLook, logbook_path, read_logbook, write_logbook


def look(as_of: float, **changes: Any) -> Look:
    values: dict[str, Any] = {
        "as_of": as_of,
        "share": as_of,
        "tokens": 1e6 * as_of,
        "loss": 2.0 - as_of / 2,
        "verdict": "on_course",
        "reason": "1.2 standard deviations from its course",
        "predicted_final": 1.5,
        "interval": (1.45, 1.55),
        "level": 0.9,
        "methods": {"ratio": MethodLook(predicted_final=1.5, interval=(1.45, 1.55))},
        "expected": (1.7, 1.8, 1.9),
        "inside_forecast_probability": 0.8,
        "looked": 1.7e9,
    }
    return Look(**values | changes)


BOOK = Logbook(
    run_id="0123456789ab",
    forecast_digest="ab" * 32,
    looks=(
        look(0.04, verdict="too_early", predicted_final=None, interval=None, methods={}, expected=None),
        look(0.1),
        look(0.12),
        look(0.14, verdict="above"),
        look(0.16, verdict="above"),
        look(0.18),
    ),
)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    path = logbook_path(tmp_path / "forecasts" / "final.json")
    assert path.name == "final.watch.json"
    assert read_logbook(path) is None
    write_logbook(path, BOOK)
    assert read_logbook(path) == BOOK
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_changes_are_the_first_verdict_and_every_other_one() -> None:
    assert [(one.as_of, one.verdict) for one in BOOK.changes] == [
        (0.04, "too_early"), (0.1, "on_course"), (0.14, "above"), (0.18, "on_course"),
    ]  # fmt: skip
    assert BOOK.last == BOOK.looks[-1]
    assert replace(BOOK, looks=()).changes == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 2}, "schema 1"),
        ({"colour": "red"}, "colour: not a field"),
        ({"looks": [{"as_of": 0.1}]}, "share: missing"),
        ({"looks": list(reversed(BOOK.as_json()["looks"]))}, "rising shares"),
    ],
)
def test_a_file_that_was_changed_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "final.watch.json"
    path.write_text(json.dumps(BOOK.as_json() | change))
    with pytest.raises(InputError, match=said):
        read_logbook(path)


@pytest.mark.parametrize("change", [{"as_of": 1.5}, {"loss": -1.0}, {"verdict": "fine"}, {"level": 90}])
def test_a_look_out_of_range_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "final.watch.json"
    value = replace(BOOK, looks=(look(0.1),)).as_json()
    value["looks"][0] |= change  # type: ignore[index, call-overload, operator]
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match=next(iter(change))):
        read_logbook(path)
