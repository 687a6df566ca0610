"""Curves of runs as trainers and trackers export them are named, and what to export instead."""

import json

import pytest

from isoflop.errors import InputError
from isoflop.observations.file_formats import read_table


def refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_table(path)
    return str(caught.value)


def state(**more):
    history = [{"epoch": 0.5 * i, "step": 100 * i, "loss": 5.0 - i, "learning_rate": 1e-3} for i in (1, 2)]
    history += [{"epoch": 1.0, "step": 200, "eval_loss": 3.5, "eval_runtime": 1.0}]
    return {"global_step": 200, "max_steps": 200, "log_history": history, **more}


def test_the_state_of_a_trainer(tmp_path):
    said = refused(tmp_path, "trainer_state.json", json.dumps(state(num_input_tokens_seen=52428800, total_flos=1e17)))
    assert "trainer_state.json of Hugging Face" in said
    assert "3 entries up to step 200, last eval_loss 3.5, tokens seen 5.24288e7, FLOPs (total_flos) 1e17" in said


def test_its_history_alone(tmp_path):
    assert "the curve of one run" in refused(tmp_path, "history.json", json.dumps(state()["log_history"]))


WIDE = 'Step,"a - train/loss","a - train/loss__MIN","a - train/loss__MAX","b - train/loss"'


@pytest.mark.parametrize(
    ("header", "runs"),
    [
        (WIDE + ',"b - train/loss__MIN","b - train/loss__MAX"', "2 runs: 'a', 'b'"),
        ('Step,"a - val/loss","b - val/loss","c - val/loss"', "3 runs: 'a', 'b', 'c'"),
        ('"tokens","group: 1 - loss","group: 1 - loss__MIN","group: 1 - loss__MAX"', "1 runs: 'group: 1'"),
        ('"Relative Time (Process)","a - loss","a - loss__MIN","a - loss__MAX","a - _step","a - _step__MIN",'
         '"a - _step__MAX"', "1 runs: 'a'"),
    ],
)  # fmt: skip
def test_a_wide_chart(tmp_path, header, runs):
    row = ",".join("1" for _ in header.split(","))
    said = refused(tmp_path, "chart.csv", f"{header}\n{row}\n")
    assert "Weights & Biases" in said
    assert runs in said


def test_a_scalar_of_tensorboard(tmp_path):
    assert "TensorBoard" in refused(tmp_path, "run.csv", "Wall time,Step,Value\n1.0,1,3.5\n")


def test_a_table_of_runs_with_ranges_is_none(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("params,tokens,loss,loss__MIN,loss__MAX\n1e8,2e9,3,2.9,3.1\n")
    assert read_table(path).rows == 1
