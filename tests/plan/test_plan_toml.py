"""plan.toml: written, read back, and what is wrong with one that was changed."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from isoflop.codec import from_json
from isoflop.errors import InputError
from isoflop.laws import published_law
from isoflop.plan import Cluster, Forecast, make_plan
from isoflop.plan.plan_toml import PlannedRun, TextSource

PLAN = make_plan(published_law("besiroglu2024"), 5.76e23)
TEXT = TextSource(tokenizer="bpe:32000")


def forecast_of(planned):
    return Forecast(
        params=planned.run.architecture.params().total,
        tokens=planned.run.tokens,
        flops=5.76e23,
        loss=1.97,
        interval=(1.9, 2.1),
        level=0.9,
        law="fitted",
        observations_digest=None,
        params_convention="total",
        flops_convention="six_n",
        loss_unit="nats_per_token",
    )


@pytest.fixture
def planned():
    return PlannedRun.of(PLAN, TEXT)


@pytest.fixture
def file(planned, tmp_path):
    path = tmp_path / "plan.toml"
    replace(planned, forecast=forecast_of(planned)).write(path)
    return path


def changed(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return file


def test_a_plan_on_devices_keeps_its_bill_and_what_jobs_ask_for(tmp_path):
    plan = make_plan(published_law("besiroglu2024"), 1e22, cluster=Cluster.parse("64xH100"))
    path = tmp_path / "plan.toml"
    replace(PlannedRun.of(plan, TEXT), engines={"slurm": {"partition": "large"}}).write(path)
    found = PlannedRun.read(path)
    assert found.plan["bill"]["hours"] == plan.cost_estimate.hours
    assert found.plan["bill"]["price_range"] == list(plan.cost_estimate.price_range)
    assert found.layout["memory_bytes"]["total"] == plan.layout_estimate.memory.total
    assert found.engines == {"slurm": {"partition": "large"}}


def test_what_is_written_is_read_back(planned, file):
    found = PlannedRun.read(file)
    assert found.run == planned.run == PLAN.buildable.run
    assert found.text == TEXT
    assert found.forecast == forecast_of(planned)
    said = tomllib.loads(file.read_text())["plan"]
    assert said["params"] == PLAN.params
    assert said["objective"] == {"kind": "training_only"}
    assert "loss_interval" not in said  # not known: TOML has no null


@pytest.mark.parametrize(
    "text",
    [
        TextSource(study="../a study"),
        TextSource(corpus="text", text=("novels", 'with "quotes"\\and\nlines.txt'), tokenizer="bpe:4096"),
        TextSource(corpus="python"),
    ],
)
def test_every_text_is_read_back(planned, tmp_path, text):
    replace(planned, text=text).write(tmp_path / "p.toml")
    assert PlannedRun.read(tmp_path / "p.toml").text == text


def test_paths_follow_the_file():
    text = TextSource(corpus="text", text=("novels", "/mail.jsonl"))
    moved = text.moved(Path("/home/plans"), Path("/home/plans/run"))
    assert moved.text == ("../novels", "../../../mail.jsonl")
    assert TextSource(study="../s").moved(Path("/home/plans"), Path("/home/plans/run")).study == "../../s"


def test_a_plan_on_devices_keeps_its_layout(tmp_path):
    plan = make_plan(published_law("besiroglu2024"), 5.76e23, cluster=Cluster.parse("512xH100"))
    PlannedRun.of(plan, TEXT).write(tmp_path / "p.toml")
    found = PlannedRun.read(tmp_path / "p.toml")
    assert found.layout == plan.layout_estimate.as_json()
    assert found.run.batch_tokens == plan.layout_estimate.batch_sequences * found.run.seq_len


def test_a_plan_without_a_shape_has_nothing_to_train():
    with pytest.raises(InputError, match="nothing to train: params: no llama shape"):
        PlannedRun.of(make_plan(published_law("besiroglu2024"), 1e14), TEXT)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("schema = 1", "schema = 9", "expected a plan of schema 1, got 9"),
        ("\n[text]\n", "\n[texts]\n", "texts: not a part of a plan"),
        ('tokenizer = "bpe:32000"', "tokenizer = 5", "tokenizer: expected a valid string, got 5"),
        ('tokenizer = "bpe:32000"', 'words = "5"', "words: not a field here"),
        ("peak_lr = ", "peak_rate = ", "peak_lr: missing"),
        ("n_layers = ", "layers = ", "n_layers: missing"),
        ("seq_len = 2048", "seq_len = 2000", "expected a multiple of seq_len=2000"),
        ("\n[forecast]", "\n[forecast", "cannot be read as TOML"),
        ("seed = 0", "seed = true", "seed: expected a whole number from 0"),
        ("seed = 0", "seed = 99999999999999999999", "seed: expected a whole number from 0"),
        ("beta1 = 0.9", "beta1 = 2.0", "optimizer.beta1: expected a number of at least 0 below 1, got 2.0"),
        ("eps = 1e-08", "eps = nan", "optimizer.eps: expected a number"),
        ("\ngroup = ", '\nz_loss = "x"\ngroup = ', "a value of another kind|must be real number"),
        ("loss = 1.97\ninterval", 'loss = "x"\ninterval', "loss.*: expected a valid"),
        ("loss = 1.97\ninterval", "loss = -1\ninterval", "loss: expected a positive number"),
        ("loss = 1.97\ninterval", "loss = 1.96\ninterval", "was changed after it was planned"),
    ],
)
def test_what_is_wrong_is_reported_with_the_file(file, old, new, said):
    with pytest.raises(InputError, match=said) as error:
        PlannedRun.read(changed(file, old, new))
    assert str(file) in str(error.value)


def test_a_forecast_of_another_run_is_refused(file):
    layers = PLAN.buildable.architecture.n_layers
    with pytest.raises(InputError, match=r"delete \[forecast\] to train without one"):
        PlannedRun.read(changed(file, f"n_layers = {layers}", f"n_layers = {layers - 1}"))


def test_a_missing_file_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="make one with `isoflop plan"):
        PlannedRun.read(tmp_path / "none.toml")


def test_how_text_is_read_is_kept_and_a_tokenizer_file_moves_with_it(planned, tmp_path):
    reading = {"text_key": "doc.body", "text_suffix": (".py",), "keep_repeated_lines": True}
    text = TextSource(corpus="text", text=("own.jsonl",), tokenizer="own/tokenizer.json", **reading)
    assert text.reading == reading | {"text_suffix": [".py"]}
    replace(planned, text=text).write(tmp_path / "plan.toml")
    assert PlannedRun.read(tmp_path / "plan.toml").text == text
    moved = text.moved(tmp_path, tmp_path / "run")
    assert (moved.text, moved.tokenizer) == (("../own.jsonl",), "../own/tokenizer.json")
    with pytest.raises(InputError, match="allow_skipped: expected a valid boolean, got 'yes'"):
        from_json(TextSource, {"allow_skipped": "yes"}, "text")
