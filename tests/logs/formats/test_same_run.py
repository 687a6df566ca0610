"""One and the same run, logged by the library of every tracker and trainer, is the same run to the last digit."""

import re

import pytest

from isoflop.logs import read_logs

from ..toy_run import GOLDEN, toy

SOURCES = sorted(path.name for path in GOLDEN.iterdir() if (path / "toy").is_dir())


@pytest.mark.parametrize("source", SOURCES)
def test_the_run_is_the_same_to_the_last_digit(source):
    (run,) = read_logs(GOLDEN / source)
    assert run.name == "toy"
    assert list(run.evaluations) == ["validation"]
    assert run.loss_unit == "nats_per_token"
    for series, values in ((run.training, toy.TRAINING), (run.evaluations["validation"], toy.VALIDATION)):
        assert series.steps.tolist() == list(toy.STEPS)
        assert series.values.tolist() == list(values)
    assert run.tokens.steps.tolist() == list(toy.STEPS)
    assert run.tokens.values.tolist() == [step * toy.TOKENS_PER_STEP for step in toy.STEPS]
    assert run.failure == ""


def test_every_writer_has_its_fixture():
    assert sorted(toy.WRITERS) == SOURCES


@pytest.mark.parametrize("source", sorted(set(SOURCES) - {"modded_nanogpt", "nanogpt", "torchtitan"}))
def test_rates_are_read_where_they_are_logged(source):
    (run,) = read_logs(GOLDEN / source)
    assert run.learning_rate.values.tolist() == list(toy.RATES)


@pytest.mark.parametrize("source", sorted(set(SOURCES) - {"tensorboard"}))
def test_planned_steps_say_that_it_ended(source):
    (run,) = read_logs(GOLDEN / source)
    assert (run.planned_steps, run.ended) == (toy.PLANNED, True)


@pytest.mark.parametrize("source", sorted(set(SOURCES) - {"tensorboard", "modded_nanogpt"}))
def test_parameters_are_read_where_something_tells_them(source):
    (run,) = read_logs(GOLDEN / source)
    assert run.params == toy.PARAMS


def test_all_of_them_in_one_folder_are_as_many_runs():
    logs = read_logs(GOLDEN)
    assert len(logs) == len(SOURCES)
    assert len({run.name for run in logs}) == len(logs)
    assert len({tuple(run.evaluations["validation"].values) for run in logs}) == 1


FILES = [path for path in GOLDEN.rglob("*") if path.is_file() and path.suffix != ".py"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(GOLDEN)))
def test_no_fixture_names_the_machine_that_wrote_it(path):
    assert re.search(rb"/tmp|/home/|/root|/work|\w@\w+\.\w|localhost", path.read_bytes()) is None
