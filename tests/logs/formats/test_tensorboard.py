"""Event files: restarts, parts of a run in folders, runs inside a folder, damage; TensorBoard's own reader agrees."""

import struct
from pathlib import Path

import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs
from logs.formats.encode import event_file, field, scalar, tensor_scalar

NAME = "events.out.tfevents.{}.host.1.0"
TOY = Path(__file__).parents[2] / "golden" / "logs" / "tensorboard" / "toy"


def events(folder, *found, at=1_700_000_000):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME.format(at)).write_bytes(event_file(*found))
    return folder


def losses(*points, tag="train/loss"):
    return [scalar(tag, step, value) for step, value in points]


def test_tensorboards_own_reader_agrees():
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    theirs = accumulator.EventAccumulator(str(TOY), size_guidance={"scalars": 0, "tensors": 0})
    theirs.Reload()
    (ours,) = read_logs(TOY)
    scalars = {tag: [(each.step, each.value) for each in theirs.Scalars(tag)] for tag in theirs.Tags()["scalars"]}
    number = pytest.importorskip("tensorboard.util.tensor_util").make_ndarray
    for tag in theirs.Tags()["tensors"]:
        scalars[tag] = [(each.step, number(each.tensor_proto).item()) for each in theirs.Tensors(tag)]
    found = {
        "train/loss": ours.training,
        "eval/loss": ours.evaluations["validation"],
        "lr": ours.learning_rate,
        "tokens": ours.tokens,
    }
    assert {tag: list(zip(each.steps, each.values, strict=True)) for tag, each in found.items()} == scalars


def test_files_of_one_folder_are_one_run_and_a_restart_replaces(tmp_path):
    events(tmp_path / "a", *losses((10, 5.0), (20, 4.0), (30, 9.0)), at=1_700_000_000)
    events(tmp_path / "a", *losses((30, 3.0), (40, 2.0)), at=1_700_000_900)
    (run,) = read_logs(tmp_path)
    assert run.training.values.tolist() == [5.0, 4.0, 3.0, 2.0]


def test_a_restart_gives_up_the_evaluations_of_its_branch(tmp_path):
    events(tmp_path / "a", *losses((10, 5.0), (20, 4.0)), *losses((20, 4.5), tag="val/loss"), *losses((30, 3.5)))
    events(tmp_path / "a", *losses((15, 4.75), (25, 4.25)), at=1_700_000_900)
    (run,) = read_logs(tmp_path)
    assert run.training.steps.tolist() == [10, 15, 25]
    assert run.evaluations == {}


def test_scalars_of_add_scalars_are_a_part_of_their_run(tmp_path):
    events(tmp_path / "a", *losses((10, 0.1), (20, 0.1), tag="lr"))
    events(tmp_path / "a" / "loss_train", *losses((10, 5.0), (20, 4.0), tag="loss"))
    events(tmp_path / "a" / "loss_val", *losses((10, 5.5), (20, 4.5), tag="loss"))
    (run,) = read_logs(tmp_path)
    assert run.training.values.tolist() == [5.0, 4.0]
    assert run.evaluations["validation"].values.tolist() == [5.5, 4.5]


def test_folders_inside_a_run_are_runs_of_their_own(tmp_path):
    events(tmp_path / "a", *losses((10, 5.0), (20, 4.0)))
    events(tmp_path / "a" / "seed-1", *losses((10, 5.25), (20, 4.25)))
    events(tmp_path / "a" / "1700000000.5", *losses((0, 4.0), tag="hparam/loss"))
    runs = read_logs(tmp_path)
    assert {run.name: run.training.values[-1] for run in runs} == {"a": 4.0, "a/seed-1": 4.25}


@pytest.mark.parametrize("kind", [1, 2, 19])
def test_scalars_of_tensorflow_are_tensors_without_dimensions(tmp_path, kind):
    found = [tensor_scalar("val/loss", step, 4.5 - step / 64, kind=kind) for step in (0, 32)]
    (run,) = read_logs(events(tmp_path / "a", *found))
    assert run.evaluations["validation"].values.tolist() == [4.5, 4.0]


def test_images_and_vectors_are_passed_over(tmp_path):
    vector = field(1, 1) + field(2, field(2, field(1, 2))) + field(4, struct.pack("<ff", 1.0, 2.0))
    others = [field(5, field(1, field(1, "loss/x") + field(8, vector))), field(5, field(1, field(4, b"png")))]
    (run,) = read_logs(events(tmp_path / "a", *losses((1, 5.0), (2, 4.0)), *others))
    assert (run.training.values.tolist(), run.evaluations) == ([5.0, 4.0], {})


@pytest.mark.parametrize("cut", [1, 4, 17, 40])
def test_what_stands_before_a_torn_record_is_read_and_said(tmp_path, cut):
    folder = events(tmp_path / "a", *losses((1, 5.0), (2, 4.0), (3, 3.0)))
    file = folder / NAME.format(1_700_000_000)
    file.write_bytes(file.read_bytes()[:-cut])
    (run,) = read_logs(folder)
    assert run.training.values.tolist() == [5.0, 4.0]
    assert [notice.code for notice in run.notices] == ["torn_line"]


HOSTILE = {
    "a record of 2**62 bytes": struct.pack("<QI", 1 << 62, 0),
    "a number without end": struct.pack("<QI", 12, 0) + b"\xff" * 16,
    "a field beyond its message": struct.pack("<QI", 3, 0) + b"\x2a\x7f\x00" + bytes(4),
    "a group": struct.pack("<QI", 1, 0) + b"\x0b" + bytes(4),
    "text that is none": struct.pack("<QI", 7, 0) + field(5, field(1, field(1, b"\xff"))) + bytes(4),
}


@pytest.mark.parametrize("record", HOSTILE.values(), ids=HOSTILE)
def test_a_crafted_record_ends_the_file_and_nothing_else(tmp_path, record):
    folder = events(tmp_path / "a", *losses((1, 5.0), (2, 4.0)))
    with open(folder / NAME.format(1_700_000_000), "ab") as file:
        file.write(record)
    (run,) = read_logs(folder)
    assert run.training.values.tolist() == [5.0, 4.0]
    assert "torn_line" in [notice.code for notice in run.notices]


def test_a_file_with_that_name_alone_is_no_log(tmp_path):
    (tmp_path / NAME.format(1)).write_bytes(b"no events")
    with pytest.raises(InputError):
        read_logs(tmp_path)


def test_links_are_not_followed(tmp_path):
    events(tmp_path / "secret", *losses((1, 1.0), (2, 1.0)))
    folder = events(tmp_path / "runs" / "a", *losses((1, 5.0), (2, 4.0)))
    (folder / "inner").symlink_to(tmp_path / "secret")
    (folder / NAME.format(1_800_000_000)).symlink_to(tmp_path / "secret" / NAME.format(1_700_000_000))
    (run,) = read_logs(tmp_path / "runs")
    assert run.training.values.tolist() == [5.0, 4.0]


def test_tags_against_samples_are_no_steps(tmp_path):
    found = [*losses((1, 5.0), (2, 4.0), tag="lm loss"), *losses((1024, 5.0), (2048, 4.0), tag="lm loss vs samples")]
    (run,) = read_logs(events(tmp_path / "a", *found))
    assert {name: each.steps.tolist() for name, each in run.evaluations.items()} == {"loss": [1, 2]}


def test_steps_of_lightnings_trainer_are_counted_from_zero(tmp_path):
    found = [
        *losses((0, -1.0), tag="hp_metric"),
        *losses((49, 5.0), (99, 4.0)),
        *losses((49, 0.0), (99, 0.0), tag="epoch"),
    ]
    folder = events(tmp_path / "version_0", *found)
    (run,) = read_logs(folder)
    assert run.training.steps.tolist() == [49, 99]  # nothing says that it is Lightning's
    (folder / "hparams.yaml").write_text("lr: 0.1\n")
    (run,) = read_logs(folder)
    assert (run.training.steps.tolist(), run.settings["lr"]) == ([50, 100], 0.1)
