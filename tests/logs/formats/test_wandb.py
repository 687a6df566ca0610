"""W&B's run files: versions of before, a run that was resumed, an exit that was none, damage."""

import json
import struct

import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs
from logs.formats.encode import field, json_items, wandb_file

RUN = field(
    17, field(1, "abc") + field(8, "blue-sky-1") + field(4, json_items({"optim": '{"lr": 0.1}', "params": "1000000"}))
)


def history(step, **values):
    items = {name.replace("__", "/"): json.dumps(value) for name, value in values.items()}
    return field(2, json_items(items) + field(2, field(1, step)))


def exit_with(code):
    return field(18, field(1, code))


def written(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wandb_file(*records))
    return path


def test_json_in_items_is_the_form_of_earlier_versions(tmp_path):
    file = written(
        tmp_path / "run-abc.wandb", RUN, history(10, train__loss=5.0), history(20, train__loss=4.0), exit_with(0)
    )
    (run,) = read_logs(file)
    assert run.name == "blue-sky-1"
    assert run.settings["optim.lr"] == 0.1
    assert run.params == 1e6
    assert run.training.steps.tolist() == [10, 20]
    assert run.failure == ""


def test_the_group_of_a_run_is_a_setting(tmp_path):
    who = field(17, field(1, "abc") + field(6, "muon") + field(7, "train"))
    (run,) = read_logs(written(tmp_path / "run-abc.wandb", who, history(1, val__loss=4.0), history(2, val__loss=3.0)))
    assert (run.name, run.settings["group"], run.settings["job_type"]) == ("abc", "muon", "train")


def test_the_trainers_step_comes_before_the_count_of_calls(tmp_path):
    rows = [
        history(call, train__global_step=100 * call, train__loss=5.0 - call, eval__loss=5.5 - call) for call in (1, 2)
    ]
    (run,) = read_logs(written(tmp_path / "run-abc.wandb", RUN, *rows))
    assert run.training.steps.tolist() == [100, 200]


def test_a_resumed_run_is_one_run(tmp_path):
    first = [history(step, train__loss=5.0 - step / 10) for step in (0, 10, 20)]
    second = [history(step, train__loss=4.5 - step / 10) for step in (15, 25)]
    written(tmp_path / "wandb" / "run-20250101_000000-abc" / "run-abc.wandb", RUN, *first, exit_with(1))
    written(tmp_path / "wandb" / "offline-run-20250102_000000-abc" / "run-abc.wandb", RUN, *second, exit_with(0))
    (run,) = read_logs(tmp_path)
    assert run.training.steps.tolist() == [0, 10, 15, 25]
    assert run.failure == ""


def test_runs_in_a_folder_of_wandb_are_runs(tmp_path):
    for name in ("aaa", "bbb"):
        who = field(17, field(1, name) + field(8, f"run-{name}"))
        folder = tmp_path / "wandb" / f"offline-run-20250101_000000-{name}"
        written(folder / f"run-{name}.wandb", who, history(1, val__loss=4.0), history(2, val__loss=3.0))
    (tmp_path / "wandb" / "latest-run").symlink_to(folder)
    (tmp_path / "wandb" / "debug.log").write_text("step 1: nothing")
    assert sorted(run.name for run in read_logs(tmp_path)) == ["run-aaa", "run-bbb"]


def test_a_code_other_than_nought_is_a_crash(tmp_path):
    (run,) = read_logs(
        written(tmp_path / "run-abc.wandb", RUN, history(1, loss=5.0), history(2, loss=4.0), exit_with(137))
    )
    assert run.failure == "crashed: its program ended with code 137"
    assert run.ended is False


def test_what_is_not_finite_is_text_in_json(tmp_path):
    (run,) = read_logs(
        written(tmp_path / "run-abc.wandb", RUN, history(1, train__loss=5.0), history(2, train__loss="NaN"))
    )
    assert "diverged" in run.failure


def test_objects_and_media_in_history_are_no_trouble(tmp_path):
    row = history(
        1, val={"loss": 4.0, "c4": {"loss": 3.5}}, table={"_type": "table-file", "path": "x"}, words=["a"], flag=True
    )
    (run,) = read_logs(written(tmp_path / "run-abc.wandb", RUN, row, history(2, val={"loss": 3.0})))
    assert run.evaluations["validation"].values.tolist() == [4.0, 3.0]
    assert run.evaluations["c4"].values.tolist() == [3.5]


def test_records_cross_the_ends_of_blocks(tmp_path):
    rows = [history(step, train__loss=4.0 + step / 1024, note="x" * 9000) for step in range(1, 40)]
    (run,) = read_logs(written(tmp_path / "run-abc.wandb", RUN, field(4, b"y" * 100_000), *rows, exit_with(0)))
    assert run.training.steps.tolist() == list(range(1, 40))
    assert run.notices == ()


@pytest.mark.parametrize("cut", [1, 5, 9])
def test_what_stands_before_a_torn_record_is_read_and_said(tmp_path, cut):
    file = written(tmp_path / "run-abc.wandb", RUN, *(history(step, train__loss=5.0 - step) for step in (1, 2, 3)))
    file.write_bytes(file.read_bytes()[:-cut])
    (run,) = read_logs(file)
    assert run.training.steps.tolist() == [1, 2]
    assert [notice.code for notice in run.notices] == ["torn_line"]


def test_a_record_without_its_checksum_ends_the_file(tmp_path):
    file = written(tmp_path / "run-abc.wandb", RUN, *(history(step, train__loss=5.0 - step) for step in (1, 2, 3)))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    (run,) = read_logs(file)
    assert run.training.steps.tolist() == [1, 2]
    assert "checksum" in run.notices[0].message


@pytest.mark.parametrize("value", ["[" * 100_000, "1" * 5000, "{"], ids=["deep", "long", "broken"])
def test_json_that_is_none_ends_the_file(tmp_path, value):
    bad = field(2, field(1, field(1, "x") + field(16, value)))
    (run,) = read_logs(written(tmp_path / "run-abc.wandb", RUN, history(1, loss=5.0), history(2, loss=4.0), bad))
    assert len(run.evaluations["loss"]) == 2


def test_another_file_with_that_name_is_no_log(tmp_path):
    (tmp_path / "run-abc.wandb").write_bytes(struct.pack("<Q", 7))
    with pytest.raises(InputError):
        read_logs(tmp_path / "run-abc.wandb")


def test_steps_of_lightnings_trainer_are_counted_from_zero(tmp_path):
    rows = [history(call, trainer__global_step=50 * call + 49, train_loss_step=5.0 - call) for call in (0, 1)]
    (run,) = read_logs(written(tmp_path / "run-abc.wandb", RUN, *rows))
    assert run.training.steps.tolist() == [50, 100]
    assert [notice.code for notice in run.notices] == ["steps_from_zero"]
