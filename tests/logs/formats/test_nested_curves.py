import json

import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs

STEPS = [0, 100, 200, 300]
LOSSES = [9.0, 4.0, 3.5, 3.25]
LAYOUTS = [
    {"curve": [[step, loss] for step, loss in zip(STEPS, LOSSES, strict=True)]},
    {"history": [{"step": step, "loss": loss} for step, loss in zip(STEPS, LOSSES, strict=True)]},
    {"step": STEPS, "loss": LOSSES},
    {"curve": {"step": STEPS, "loss": LOSSES}},
]


def written(folder, lines, name="runs.jsonl"):
    file = folder / name
    file.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    return file


@pytest.mark.parametrize("layout", LAYOUTS, ids=["pairs", "entries", "arrays", "object of arrays"])
def test_a_curve_is_read_in_every_layout(tmp_path, layout):
    lines = [{"recipe": "muon", "horizon": 300, "run": seed, **layout} for seed in range(2)]
    logs = read_logs(written(tmp_path, lines))
    assert [run.name for run in logs] == ["muon-0", "muon-1"]
    for run in logs:
        assert run.settings["recipe"] == "muon"
        assert run.ended is True
        np.testing.assert_array_equal(run.evaluations["loss"].steps, STEPS)
        np.testing.assert_array_equal(run.evaluations["loss"].values, LOSSES)
    assert logs.files[0].format == "nested_curves"


def test_a_run_that_stops_before_its_horizon_has_not_ended(tmp_path):
    (run,) = read_logs(written(tmp_path, [{"horizon": 400, "run": 0, **LAYOUTS[0]}]))
    assert run.ended is False
    assert "unfinished_schedule" in {notice.code for notice in run.notices}


def test_a_torn_last_line_is_left_out_and_said(tmp_path):
    file = written(tmp_path, [{"run": seed, **LAYOUTS[0]} for seed in range(2)])
    file.write_text(file.read_text() + '{"run": 2, "curve": [[0, 9.0], [10')
    logs = read_logs(file)
    assert len(logs) == 2
    assert "torn_line" in {notice.code for notice in logs[0].notices}


def test_a_torn_line_in_the_middle_is_an_error(tmp_path):
    file = written(tmp_path, [{"run": 0, **LAYOUTS[0]}])
    file.write_text(file.read_text() + '{"run": 2, "curve\n' + file.read_text())
    with pytest.raises(InputError, match="line 2"):
        read_logs(file)


def test_a_first_line_longer_than_the_head_is_recognised(tmp_path):
    steps = list(range(20_000))
    curve = [[step, 3.0 + 1 / (step + 1)] for step in steps]
    (run,) = read_logs(written(tmp_path, [{"run": 0, "curve": curve}]))
    assert len(run.evaluations["loss"]) == len(steps)


def test_one_object_of_one_run_over_many_lines(tmp_path):
    file = tmp_path / "small.json"
    file.write_text(json.dumps({"config": {"lr": 0.001, "n_params": 1e6}, **LAYOUTS[1]}, indent=1))
    (run,) = read_logs(file)
    assert run.name == "small"
    assert run.settings["config.lr"] == 0.001
    assert run.params == 1e6
    np.testing.assert_array_equal(run.evaluations["loss"].values, LOSSES)
