"""machine.json: what was measured, read back into its values."""

import json
from pathlib import Path

import pytest

from isoflop.codec import to_json
from isoflop.errors import InputError
from isoflop.study.machine import SCHEMA, read_machine, speed_of


def test_it_is_read_as_it_was_written(old_study):
    machine = read_machine(old_study / "machine.json")
    written = json.loads((old_study / "machine.json").read_text())
    assert to_json(machine) == written | {"devices": []}  # which that version did not look for
    assert (machine.schema, machine.workers, len(machine.trainer)) == (SCHEMA, 2, 5)


def test_the_speed_of_the_measured_shapes_is_near_what_was_measured(old_study):
    machine = read_machine(old_study / "machine.json")
    speed = speed_of(machine)
    for row in machine.trainer:
        assert speed.step(row.spec) == pytest.approx(row.step_seconds, rel=0.5)


def test_every_problem_is_listed_with_what_to_do(old_study):
    path: Path = old_study / "machine.json"
    value = json.loads(path.read_text())
    del value["cores"]
    value["trainer"][0]["step_seconds"] = -1
    path.write_text(json.dumps(value))
    with pytest.raises(InputError, match="restore it, or delete it to have it made again") as caught:
        read_machine(path)
    assert "cores: missing" in str(caught.value)
    assert "trainer.0.step_seconds" in str(caught.value)
    path.write_text(json.dumps(value | {"cores": 2, "trainer": []}))
    with pytest.raises(InputError, match="trainer"):
        read_machine(path)
