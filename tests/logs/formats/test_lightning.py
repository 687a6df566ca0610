"""Lightning's metrics.csv: steps from zero or the program's own, holes, and the file next to it."""

from itertools import pairwise

import pytest

from isoflop.errors import InputError
from isoflop.logs import read_logs


def written(folder, text, hyperparameters=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.csv").write_text(text)
    if hyperparameters is not None:
        (folder / "hparams.yaml").write_text(hyperparameters)
    return folder / "metrics.csv"


TRAINER = "epoch,step,train_loss_step,train_loss_epoch,val_loss\n0,49,5.0,,\n0,99,4.0,,\n0,99,,,4.5\n0,99,,4.75,\n"


def test_places_from_zero_become_steps_done(tmp_path):
    (run,) = read_logs(written(tmp_path / "version_0", TRAINER))
    assert run.name == "version_0"
    assert run.training.steps.tolist() == [50, 100]
    assert run.training.values.tolist() == [5.0, 4.0]
    assert run.evaluations["validation"].steps.tolist() == [100]
    assert [notice.code for notice in run.notices] == ["steps_from_zero"]


@pytest.mark.parametrize("rows", ["0,50,5.0\n0,100,4.0\n", "0,0,5.0\n0,50,4.5\n0,100,4.0\n"])
def test_steps_that_a_program_states_are_left_as_they_are(tmp_path, rows):
    (run,) = read_logs(written(tmp_path / "version_0", f"epoch,step,train_loss\n{rows}"))
    assert run.training.steps[-1] == 100
    assert run.notices == ()


def test_versions_are_runs_with_their_settings(tmp_path):
    for version, rate in ((0, 0.1), (1, 0.2)):
        written(tmp_path / "lightning_logs" / f"version_{version}", TRAINER, f"lr: {rate}\nmodel:\n  n_params: 1e6\n")
    runs = read_logs(tmp_path / "lightning_logs")
    assert {run.name: run.settings["lr"] for run in runs} == {"version_0": 0.1, "version_1": 0.2}
    assert [run.params for run in runs] == [1e6, 1e6]


def test_objects_and_bombs_in_hyperparameters_are_passed_over(tmp_path):
    bomb = "a: &a [x, x]\n" + "".join(f"{name}: &{name} [*{last}, *{last}]\n" for last, name in pairwise("abcdefghi"))
    call = f"cmd: !!python/object/apply:os.system ['touch {tmp_path}/ran']\n"
    evil = f"{call}args: !!python/object:argparse.Namespace\n  lr: 9\n"
    (run,) = read_logs(written(tmp_path / "v", TRAINER, bomb + evil + "lr: 0.1\n"))
    assert run.settings == {"lr": 0.1, "epoch": 0.0}
    assert not (tmp_path / "ran").exists()


def test_a_cell_that_is_no_number_is_named(tmp_path):
    with pytest.raises(InputError, match="row 2"):
        read_logs(written(tmp_path / "v", "epoch,step,train_loss\n0,49,5.0\n0,99,abc\n"))


def test_epochs_of_any_length_do_not_hide_where_counting_begins(tmp_path):
    rows = "0,49,5.0,\n0,72,,4.9\n1,99,4.0,\n1,145,,3.9\n1,149,3.0,\n"
    (run,) = read_logs(written(tmp_path / "v", f"epoch,step,train_loss_step,val_loss\n{rows}"))
    assert run.training.steps.tolist() == [50, 100, 150]
    assert run.evaluations["validation"].steps.tolist() == [73, 146]


@pytest.mark.parametrize(("first", "shift"), [(0, 1), (1, 0)])
def test_every_step_logged(tmp_path, first, shift):
    rows = "".join(f"0,{step},{5 - step}\n" for step in range(first, first + 3))
    (run,) = read_logs(written(tmp_path / "v", f"epoch,step,train_loss\n{rows}"))
    assert run.training.steps[0] == first + shift
