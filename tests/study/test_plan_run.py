"""plan.toml through the command line: planned with a study or a law, trained, scored; killed, and gone on with."""

import json
import shutil
import signal

import pytest
import torch
from waiting import wait_until

from isoflop.plan.plan_toml import PlannedRun
from isoflop.runs.folder import run_folders

from .tiny import call, isoflop, refused, start


@pytest.fixture(scope="module")
def planned(finished_study, tmp_path_factory):
    """A plan made with the study, trained: (plan.toml, its folder, what was printed)."""
    file = tmp_path_factory.mktemp("planned") / "next.toml"
    plan = call("plan", "--fit", finished_study.path, "--flops", "2e9", "--out", file, "--json")
    assert plan.exit_code == 0, plan.stderr
    assert f"train it with `isoflop run {file}`" in plan.stderr
    code, stdout, stderr = isoflop("run", file, "--json")
    assert code == 0, stderr
    return file, file.with_suffix(""), json.loads(plan.stdout), json.loads(stdout)


def test_a_study_plans_with_its_own_recipe_and_text(planned, finished_study):
    file, folder, plan, outcome = planned
    spec = PlannedRun.read(file).run
    assert plan["run"]["batch_tokens"] == spec.batch_tokens
    assert (spec.seq_len, spec.architecture.vocab_size) == (32, 257)  # the study's
    (run,) = run_folders(folder / "runs")
    info = json.loads((finished_study.path / "corpus/corpus.json").read_text())
    assert run.read_spec().corpus == info["digest"]
    assert not (folder / "corpus").exists()
    assert outcome["result"]["tokens_seen"] == spec.tokens


def test_its_forecast_was_sealed_before_and_scored_after(planned):
    file, folder, _, outcome = planned
    sealed = json.loads((folder / "forecasts/final.json").read_text())
    (run,) = run_folders(folder / "runs")
    assert sealed["forecast"]["run_id"] == run.run_id
    assert sealed["sealed"] <= run.attempts()[0].started
    assert sealed["forecast"]["loss"] == PlannedRun.read(file).forecast.loss == outcome["score"]["predicted"]
    assert len(sealed["forecast"]["fit_digest"]) == 64
    assert (outcome["score"]["sealed_before_run"], outcome["score"]["digest"]) == (True, sealed["digest"])
    assert [attempt.forecast for attempt in run.attempts()] == [sealed["digest"]]
    assert outcome["score"]["actual"] == outcome["result"]["val_loss_nats"]


def test_a_second_call_trains_nothing(planned):
    file, folder, _, outcome = planned
    code, stdout, stderr = isoflop("run", file)
    assert code == 0, stderr
    assert f"{outcome['result']['val_loss_nats']:.4f} nats a token" in stdout
    assert "training" not in stderr
    assert len(run_folders(folder / "runs")[0].attempts()) == 1


def test_its_status_is_that_of_its_run(planned, tmp_path):
    _, folder, _, outcome = planned
    ended = call("status", folder, "--json")
    assert ended.exit_code == 0, ended.stderr
    status = json.loads(ended.stdout)
    assert (status["stage"], status["score"]) == ("done", outcome["score"])
    assert status["result"]["val_loss_nats"] == outcome["result"]["val_loss_nats"]
    assert "nats a token" in call("status", folder).stdout
    begun = tmp_path / "begun"
    shutil.copytree(folder, begun, ignore=shutil.ignore_patterns("result.json", "*.score.json"))
    assert json.loads(call("status", begun, "--json").stdout)["stage"] == "interrupted"
    shown = call("status", begun).stdout
    assert f"isoflop run {begun / 'plan.toml'}" in shown.replace("\n", "")
    assert "Trained" in shown


def test_it_generates(planned):
    code, stdout, stderr = isoflop("generate", planned[1], "--prompt", "Ka", "--tokens", "5")
    assert code == 0, stderr
    assert stdout.startswith("Ka")


def test_killed_and_gone_on_with_it_ends_with_the_same_loss(planned, tmp_path):
    file, _, _, outcome = planned
    folder = tmp_path / "again"
    shutil.copytree(planned[1], folder, ignore=shutil.ignore_patterns("runs", "study.db", "forecasts"))
    begun = lambda: any(run.read_metrics().lines for run in run_folders(folder / "runs"))  # noqa: E731
    driver = start("run", file, "--into", folder)
    wait_until(begun, driver)
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    code, stdout, stderr = isoflop("run", file, "--into", folder, "--json")
    assert code == 0, stderr
    again = json.loads(stdout)["result"]
    assert again["val_loss_nats"] == outcome["result"]["val_loss_nats"]


@pytest.fixture
def of_a_law(tmp_path, text_folder):
    """A plan of a published law for a tiny model, on a folder of one's own text."""
    file = tmp_path / "law.toml"
    options = ("--params", "660K", "--tokens", "6400", "--vocab", "257", "--seq-len", "64")
    made = call("plan", "--law", "besiroglu2024", *options, "--out", file)
    assert made.exit_code == 0, made.stderr
    text = file.read_text()
    assert 'corpus = "english"' in text
    file.write_text(text.replace('corpus = "english"', f'corpus = "text"\ntext = ["{text_folder}"]'))
    return file


def test_a_forecast_is_not_sealed_for_other_text(planned, text_folder, tmp_path):
    file = tmp_path / "moved.toml"
    study = PlannedRun.read(planned[0]).text.study
    (tmp_path / "other").mkdir()
    for number, text in enumerate(sorted(text_folder.iterdir())):
        if number % 2:
            shutil.copy(text, tmp_path / "other")
    other = 'corpus = "text"\ntext = ["other"]'
    file.write_text(planned[0].read_text().replace(f'study = "{study}"', other))
    message = refused("run", file)
    assert "the plan and its forecast are of" in message
    assert not (file.with_suffix("") / "forecasts").exists()


def test_a_study_that_is_not_there_is_reported(planned, tmp_path):
    (tmp_path / "deeper").mkdir()
    file = shutil.copy(planned[0], tmp_path / "deeper" / "plan.toml")
    assert "relative to the plan's file; no study is there" in refused("run", file)


def test_other_verbs_say_what_the_folder_is(planned):
    assert "isoflop run PLAN.TOML --into" in refused("run", planned[1])


def test_options_of_the_shape_leave_the_study_and_say_so(finished_study):
    made = call("plan", "--fit", finished_study.path, "--flops", "2e9", "--batch-tokens", "512")
    assert "--batch-tokens: planned by the recipe of large models" in made.stderr
    assert "[other_recipe]" in made.stderr


def test_a_published_law_forecasts_nothing_of_other_text(of_a_law):
    code, stdout, stderr = isoflop("run", of_a_law, "--json")
    assert code == 0, stderr
    outcome = json.loads(stdout)
    assert outcome["score"] is None
    assert outcome["result"]["tokens_seen"] == PlannedRun.read(of_a_law).run.tokens
    assert (of_a_law.with_suffix("") / "corpus" / "corpus.json").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there are some here")
def test_gpus_that_are_not_here_are_reported_before_a_run_is_begun(of_a_law):
    with of_a_law.open("a") as plan:
        plan.write('[layout]\ndevice = "H100"\nsharded = 1\n')
    assert "the layout takes 1 of this machine's GPUs, and PyTorch finds 0; use a cluster" in refused("run", of_a_law)
    assert not run_folders(of_a_law.with_suffix("") / "runs")


def test_another_plan_does_not_go_into_the_same_folder(planned, of_a_law, tmp_path):
    message = refused("run", of_a_law, "--into", planned[1])
    assert "holds the run of another plan" in message
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    assert "holds other things than a planned run" in refused("run", of_a_law, "--into", tmp_path / "full")


def test_a_model_of_another_vocabulary_is_told_which(planned, tmp_path):
    file = tmp_path / "other.toml"
    file.write_text(planned[0].read_text().replace("vocab_size = 257", "vocab_size = 300"))
    text = file.read_text()
    study = PlannedRun.read(planned[0]).text.moved(planned[0].parent, tmp_path).study
    file.write_text(text[: text.index("\n[forecast]")].replace(PlannedRun.read(planned[0]).text.study, study))
    assert "plan it with --vocab 257" in refused("run", file)
    # nothing was begun: the plan may be mended, and goes into the same folder
    file.write_text(file.read_text().replace("vocab_size = 300", "vocab_size = 257").replace("d_model", "d_modl", 1))
    assert "d_modl: not a field" in refused("run", file)
    file.write_text(file.read_text().replace("d_modl", "d_model"))
    code, _, stderr = isoflop("run", file)
    assert code == 0, stderr


def test_what_does_not_fit_is_refused_before_anything_is_made(tmp_path):
    file = tmp_path / "gopher.toml"
    assert call("plan", "--law", "besiroglu2024", "--flops", "5.76e23", "--out", file).exit_code == 0
    message = refused("run", file, code=3)
    assert "of memory, this machine has" in message
    assert "--export" in message
    assert not file.with_suffix("").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan.toml",), "no such plan; make one with"),
        (("plan.toml", "--reindex"), "--reindex needs the folder of a study"),
        (("study", "--json"), "need a plan, a file that ends in .toml"),
    ],
)
def test_wrong_calls_of_run(tmp_path, arguments, said):
    name, *options = arguments
    assert said in refused("run", tmp_path / name, *options)


def test_a_plan_is_written_as_toml_only(tmp_path):
    message = refused("plan", "--law", "besiroglu2024", "--flops", "1e23", "--out", tmp_path / "plan.json")
    assert "expected a file that ends in .toml" in message
