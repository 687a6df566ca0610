"""The trainer's state: what is a point and what is none, checkpoints, and files next to it that are never opened."""

import json
import pickle

import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs


def state(history, **more):
    return {"log_history": history, "global_step": 20, "max_steps": 20, "epoch": 1.0, **more}


def written(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


HISTORY = [
    {"step": 10, "loss": 4.5, "learning_rate": 0.1, "epoch": 0.5},
    {"step": 10, "eval_loss": 4.75, "eval_runtime": 2.0, "epoch": 0.5},
    {"step": 20, "loss": 4.25, "learning_rate": 0.0, "epoch": 1.0},
    {"step": 20, "eval_loss": 4.5, "eval_runtime": 2.0, "epoch": 1.0},
    {"step": 20, "train_loss": 9.0, "train_runtime": 60.0, "total_flos": 1e15, "epoch": 1.0},
]


def test_the_closing_summary_is_no_point(tmp_path):
    (run,) = read_logs(written(tmp_path / "a" / "trainer_state.json", state(HISTORY)))
    assert run.name == "a"
    assert run.training.values.tolist() == [4.5, 4.25]
    assert run.evaluations["validation"].values.tolist() == [4.75, 4.5]
    assert run.ended is True


def test_times_of_evaluations_are_no_time_of_the_run(tmp_path):
    (run,) = read_logs(written(tmp_path / "trainer_state.json", state(HISTORY[:4])))
    assert run.seconds is None
    timed = [{**entry, "train_runtime": 3.0 * entry["step"]} for entry in HISTORY[:4]]
    (run,) = read_logs(written(tmp_path / "trainer_state.json", state(timed)))
    assert run.seconds.values.tolist() == [30.0, 60.0]
    assert run.training.values.tolist() == [4.5, 4.25]


def test_the_closing_summary_tells_the_seconds_where_no_entry_does(tmp_path):
    (run,) = read_logs(written(tmp_path / "trainer_state.json", state(HISTORY)))
    assert (run.seconds.steps.tolist(), run.seconds.values.tolist()) == ([20.0], [60.0])
    timed = [*({**entry, "train_runtime": 3.0 * entry["step"]} for entry in HISTORY[:4]), HISTORY[4]]
    (run,) = read_logs(written(tmp_path / "trainer_state.json", state(timed)))
    assert run.seconds.values.tolist() == [30.0, 60.0]


def test_evaluation_sets_have_their_names(tmp_path):
    history = [{"step": 10, "eval_wikitext_loss": 4.0, "eval_c4_loss": 3.5}, *HISTORY]
    (run,) = read_logs(written(tmp_path / "trainer_state.json", state(history)))
    assert {name: each.values[-1] for name, each in run.evaluations.items()} == {
        "wikitext": 4.0,
        "c4": 3.5,
        "validation": 4.5,
    }


def test_counters_that_were_never_fed_are_missing(tmp_path):
    (run,) = read_logs(written(tmp_path / "trainer_state.json", state(HISTORY, num_input_tokens_seen=0, total_flos=0)))
    assert run.tokens is None
    assert run.flops is None
    (run,) = read_logs(
        written(tmp_path / "trainer_state.json", state(HISTORY, num_input_tokens_seen=81920, total_flos=1e15))
    )
    assert (run.tokens.steps.tolist(), run.tokens.values.tolist()) == ([20], [81920])
    assert run.flops.values.tolist() == [1e15]


def test_the_furthest_checkpoint_by_number_is_read(tmp_path):
    for step, values in ((9, HISTORY[:2]), (10, HISTORY)):
        written(tmp_path / "out" / f"checkpoint-{step}" / "trainer_state.json", state(values, global_step=step))
    (run,) = read_logs(tmp_path / "out")
    assert run.name == "out"
    assert len(run.training) == 2
    assert run.ended is False  # step 10 of 20


def test_a_pickle_beside_it_is_not_opened(tmp_path):
    class Evil:
        def __reduce__(self):
            return (tmp_path.joinpath("ran").touch, ())

    written(tmp_path / "out" / "trainer_state.json", state(HISTORY))
    for name in ("training_args.bin", "optimizer.pt", "rng_state.pth"):
        (tmp_path / "out" / name).write_bytes(pickle.dumps(Evil()))
    assert len(read_logs(tmp_path / "out")) == 1
    assert not (tmp_path / "ran").exists()


def test_a_model_that_cannot_be_counted_is_no_size(tmp_path):
    written(tmp_path / "out" / "trainer_state.json", state(HISTORY))
    written(tmp_path / "out" / "config.json", {"model_type": "mixtral"})
    (run,) = read_logs(tmp_path / "out")
    assert run.params is None
    assert [notice.code for notice in run.notices] == ["log_without_params"]


def test_training_arguments_in_plain_json_are_settings(tmp_path):
    written(tmp_path / "out" / "trainer_state.json", state(HISTORY))
    written(tmp_path / "out" / "training_args.json", {"optim": "adamw_torch", "lr_scheduler_kwargs": {"min": 0.1}})
    (run,) = read_logs(tmp_path / "out")
    assert run.settings["optim"] == "adamw_torch"
    assert run.settings["lr_scheduler_kwargs.min"] == 0.1


def test_a_loss_of_nan_at_the_end_is_a_divergence(tmp_path):
    path = tmp_path / "trainer_state.json"
    path.write_text(json.dumps(state([*HISTORY[:4], {"step": 21, "loss": float("nan"), "epoch": 1.1}])))
    (run,) = read_logs(path)
    assert run.ended is False
    assert "diverged" in run.failure


def test_entries_without_a_step_are_passed_over(tmp_path):
    (run,) = read_logs(written(tmp_path / "trainer_state.json", state([{"loss": 3.0}, "x", None, 4, *HISTORY])))
    assert len(run.training) == 2


@pytest.mark.parametrize("text", ["{", '{"log_history": 3, "global_step": 1}', "[]", "[" * 100_000])
def test_a_damaged_state_is_one_message(tmp_path, text):
    (tmp_path / "trainer_state.json").write_text(text)
    with pytest.raises(InputError):
        read_logs(tmp_path / "trainer_state.json")


def test_a_checkpoint_beyond_the_state_of_the_folder_is_further(tmp_path):
    written(tmp_path / "out" / "trainer_state.json", state(HISTORY[:2], global_step=10))
    written(tmp_path / "out" / "checkpoint-20" / "trainer_state.json", state(HISTORY))
    (run,) = read_logs(tmp_path / "out")
    assert len(run.training) == 2
    written(tmp_path / "out" / "trainer_state.json", state([*HISTORY, {"step": 30, "loss": 4.0}], global_step=30))
    (run,) = read_logs(tmp_path / "out")
    assert len(run.training) == 3
