import numpy as np
import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs


def scalar(folder, name, points):
    file = folder / name
    file.write_text("Wall time,Step,Value\n" + "".join(f"{clock},{step},{value}\n" for clock, step, value in points))
    return file


def test_a_folder_of_scalars_is_one_run_each(tmp_path):
    for run in ("small", "large"):
        scalar(tmp_path, f"run-{run}-tag-train_loss.csv", [(1000.0 + s, s, 4 - s / 100) for s in (10, 20, 30)])
        scalar(tmp_path, f"run-{run}-tag-eval_loss.csv", [(1030.5, 30, 3.5)])
        scalar(tmp_path, f"run-{run}-tag-learning_rate.csv", [(1000.0 + s, s, 1e-3) for s in (10, 20, 30)])
    runs = {run.name: run for run in read_logs(tmp_path)}
    assert sorted(runs) == ["large", "small"]
    run = runs["small"]
    np.testing.assert_array_equal(run.training.values, [3.9, 3.8, 3.7])
    np.testing.assert_array_equal(run.evaluations["validation"].values, [3.5])
    np.testing.assert_array_equal(run.learning_rate.values, [1e-3] * 3)
    assert run.seconds.values[-1] == 20.5


def test_one_file_called_by_its_scalar_is_the_run_of_its_folder(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    (run,) = read_logs(scalar(folder, "eval_loss.csv", [(1.0, 10, 3.0), (2.0, 20, 2.5)]))
    assert run.name == "small"
    np.testing.assert_array_equal(run.evaluations["validation"].values, [3.0, 2.5])


def test_a_scalar_that_no_name_tells_is_refused(tmp_path):
    with pytest.raises(InputError, match="name no loss"):
        read_logs(scalar(tmp_path, "small.csv", [(1.0, 10, 3.0)]))


def test_a_restart_stands_where_the_clock_has_it(tmp_path):
    first = [(100.0 + s, s, 4.0) for s in (10, 20, 30, 40)]
    again = [(300.0 + s, s, 3.0) for s in (30, 40, 50)]
    scalar(tmp_path, "run-a-tag-train_loss.csv", first + again)
    scalar(tmp_path, "run-a-tag-eval_loss.csv", [(140.5, 40, 4.5), (350.5, 50, 3.5)])
    (run,) = read_logs(tmp_path)
    np.testing.assert_array_equal(run.training.values, [4, 4, 3, 3, 3])
    np.testing.assert_array_equal(run.evaluations["validation"].steps, [50])
