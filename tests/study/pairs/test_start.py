"""Real comparisons by training: what is shared, resumed, refused and stopped."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from waiting import finish, wait_until

from isoflop.compare.options import CompareOptions
from isoflop.errors import InputError, RefusedError
from isoflop.runs.folder import run_folders
from isoflop.study.pairs.repeats import noise_of_study, train_repeats
from isoflop.study.pairs.start import PairsRequest, compare_recipes, compare_with_study
from study.tiny import call, refused

PROGRAM = """
import sys
from pathlib import Path
from isoflop.errors import InterruptedStudy
from isoflop.study.pairs.repeats import noise_of_study, train_repeats
from isoflop.study.pairs.start import PairsRequest, compare_with_study
try:
    compare_with_study(Path(sys.argv[1]), Path(sys.argv[2]), PairsRequest(pairs=int(sys.argv[3])))
except InterruptedStudy as error:
    print(error, file=sys.stderr)
    sys.exit(130)
"""


def recipe(folder: Path, text: str, name: str = "new") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


COSINE = '[schedule]\nkind = "cosine"\nfinal_fraction = 0.1\n'


def ids(folder: Path) -> set[str]:
    return {run.run_id for run in run_folders(folder / "runs")}


def decisions(study: Path, name: str = "new") -> dict:
    return json.loads((study / "compare" / name / "decisions.json").read_text())


@pytest.fixture(scope="module")
def compared(finished_study, tmp_path_factory) -> tuple[Path, Path]:
    """A study in which three pairs were compared, and the new recipe."""
    place = tmp_path_factory.mktemp("compared")
    study, new = finished_study.copy(place / "study"), recipe(place, COSINE)
    outcome = compare_with_study(study, new, PairsRequest(pairs=3))
    assert outcome.decisions.stopped in ("pairs", "verdict")
    return study, new


def test_the_files_of_a_comparison(compared):
    study, new = compared
    folder = study / "compare" / "new"
    assert (folder / "recipe.toml").read_text() == new.read_text()
    assert not (folder / "baseline.toml").exists()
    decided = decisions(study)
    assert decided["a"] == "the recipe of study"
    assert decided["b"] == "new"
    assert [look["pairs"] for look in decided["looks"]] == [3]
    assert [(pair["cell"], pair["seed"]) for pair in decided["pairs"]] == [(0, 0), (0, 1), (1, 0)]
    for side in "ab":
        checked = {float(factor): loss for factor, loss in decided["rates"][side].items()}
        assert {0.5, 1.0, 2.0} <= set(checked)
        assert checked[decided["chosen"][side]] == min(loss for loss in checked.values() if loss is not None)


def test_no_run_is_trained_twice(compared):
    study, _ = compared
    own, of_study = ids(study / "compare" / "new"), ids(study)
    assert not own & of_study
    used = {pair[side] for pair in decisions(study)["pairs"] for side in "ab"}
    assert used <= own | of_study
    for run in run_folders(study / "compare" / "new" / "runs"):
        assert len(run.attempts()) == 1


def test_the_same_call_does_nothing_once_it_has_ended(compared):
    study, new = compared
    before = decisions(study)
    began = time.time()
    outcome = compare_with_study(study, new, PairsRequest(pairs=3))
    assert decisions(study) == before
    assert outcome.comparison is not None
    assert all(result.result.stat().st_mtime < began for result in run_folders(study / "compare" / "new" / "runs"))


def test_another_recipe_shares_the_runs_of_the_baseline(compared, tmp_path):
    study, _ = compared
    other = recipe(tmp_path, "[optimizer]\nweight_decay = 0.3\n", "decayed")
    compare_with_study(study, other, PairsRequest(pairs=1))
    baseline = {pair["a"] for pair in decisions(study)["pairs"]}
    assert not ids(study / "compare" / "decayed") & (baseline | ids(study) | ids(study / "compare" / "new"))
    assert decisions(study, "decayed")["pairs"][0]["a"] in baseline


def test_what_is_compared(compared):
    study, new = compared
    found = compare_with_study(study, new, PairsRequest(pairs=3)).comparison
    assert found is not None
    assert found.sets[0].name == "all text"
    by_name = {each.what: each for each in found.audit}
    assert by_name["tokenizer"].equal
    assert by_name["learning rate"].a.startswith(("the recipe's rate", "0.", "2 ", "4 "))
    assert (by_name["schedule.kind"].a, by_name["schedule.kind"].b) == ("wsd", "cosine")
    cells = found.sets[0].cells
    assert sum(cell.runs_b for cell in cells) == 3


def test_pairs_may_be_raised_and_not_lowered(compared, tmp_path):
    study, new = compared
    with pytest.raises(InputError, match="--pairs 2: the comparison was begun with 3"):
        compare_with_study(study, new, PairsRequest(pairs=2))
    with pytest.raises(InputError, match="not the recipe that the comparison in .* was begun with"):
        compare_with_study(study, recipe(tmp_path, "[optimizer]\nbeta1 = 0.8\n"), PairsRequest(pairs=3))
    with pytest.raises(InputError, match="begun at level 0.9"):
        compare_with_study(study, new, PairsRequest(options=CompareOptions(level=0.8)))


def test_killed_at_random_moments_it_decides_the_same(compared, finished_study, tmp_path):
    dice = random.Random(3)
    whole, new = compared
    study = finished_study.copy(tmp_path / "study")

    def started() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PROGRAM, str(study), str(new), "3"]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def results() -> int:
        return sum(run.result.exists() for run in run_folders(study / "compare" / "new" / "runs"))

    total = len(ids(whole / "compare" / "new"))
    driver = started()
    for number, moment in enumerate(sorted(dice.sample(range(total - 1), 3))):
        wait_until(lambda m=moment: results() >= m, driver)
        time.sleep(dice.uniform(0, 0.5))
        if number == 1:
            driver.send_signal(signal.SIGINT)
            _, stderr = finish(driver)
            assert driver.returncode == 130, stderr
            assert "Go on: isoflop compare" in stderr
        else:
            os.kill(driver.pid, signal.SIGKILL)
            driver.communicate()
        driver = started()
    _, stderr = finish(driver)
    assert driver.returncode == 0, stderr
    assert decisions(study) == decisions(whole)
    assert ids(study / "compare" / "new") == ids(whole / "compare" / "new")


def test_minutes_that_are_spent_before_a_verdict_and_going_on(compared, tmp_path):
    study, _ = compared
    new = recipe(tmp_path, "[optimizer]\nweight_decay = 0.1\n", "decay")
    outcome = compare_with_study(study, new, PairsRequest(pairs=1, minutes=0.0001))
    assert outcome.decisions.stopped == "minutes"
    assert outcome.comparison is None
    assert not ids(study / "compare" / "decay")
    outcome = compare_with_study(study, new, PairsRequest(pairs=1))
    assert outcome.decisions.stopped == "pairs"
    assert outcome.comparison is not None
    assert outcome.comparison.sets[0].verdict == "cannot_tell"


def test_a_recipe_that_diverges_at_every_rate_is_not_ranked(compared, tmp_path):
    study, _ = compared
    new = recipe(tmp_path, "[rates]\nhidden = 900.0\nembedding = 1e30\n", "wild")
    outcome = compare_with_study(study, new, PairsRequest(pairs=1))
    assert outcome.decisions.stopped == "diverged"
    assert outcome.comparison is None
    assert len(outcome.decisions.rates["b"]) == 6
    assert all(loss is None for loss in outcome.decisions.rates["b"].values())


def test_bad_recipes_leave_nothing_behind(compared, tmp_path):
    study, _ = compared
    before = sorted(path.name for path in (study / "compare").iterdir())
    for text, said in (
        ("shedule = 1\n", "did you mean schedule"),
        ("[optimizer\n", "not TOML"),
        ("[batch]\nmultiple = -1\n", "batch.multiple"),
        ("", "train the same runs"),
    ):
        with pytest.raises(InputError, match=said):
            compare_with_study(study, recipe(tmp_path, text, "bad"), PairsRequest(pairs=1))
    with pytest.raises(InputError, match="no such file"):
        compare_with_study(study, tmp_path / "missing.toml", PairsRequest(pairs=1))
    with pytest.raises(InputError, match="expected a name of letters"):
        compare_with_study(study, recipe(tmp_path, COSINE), PairsRequest(name="../up"))
    assert sorted(path.name for path in (study / "compare").iterdir()) == before
    with pytest.raises(InputError, match="no study here"):
        compare_with_study(tmp_path, recipe(tmp_path, COSINE))


def test_the_command_line_says_what_was_found_and_trains_nothing_again(compared):
    study, new = compared
    before = ids(study / "compare" / "new")
    shown = call("compare", study, "--recipe", new)
    assert shown.exit_code == 0, shown.stderr
    assert "pair of " in shown.stderr
    assert "3 of 3 pairs; " in shown.stderr
    assert "schedule.kind" in shown.stdout
    value = json.loads(call("compare", study, "--recipe", new, "--json").stdout)
    assert (value["a"], value["b"], value["level"]) == ("the recipe of study", "new", 0.9)
    assert value["sets"][0]["name"] == "all text"
    assert json.loads(call("noise", study, "--json").stdout)["runs"] >= 4
    assert ids(study / "compare" / "new") == before
    assert "--pairs: expected a recipe to train" in refused("compare", study, study, "--pairs", 3)


def of_known_speed(study: Path) -> Path:
    """The study with a machine of one speed, however busy the real one was when it was measured."""
    machine = json.loads((study / "machine.json").read_text())
    for row in machine["trainer"]:
        seconds = 1e-4 + row["spec"]["batch_tokens"] * row["params"] / 1e9
        row |= {"step_seconds": seconds, "eval_tokens_per_second": 1e7}
    (study / "machine.json").write_text(json.dumps(machine))
    return study


def test_two_recipes_without_a_sweep(finished_study, tmp_path):
    place = of_known_speed(finished_study.begun(tmp_path / "two"))
    a, b = recipe(tmp_path, "", "plain"), recipe(tmp_path, COSINE, "cosine")
    with pytest.raises(InputError, match="too little for 8 pairs; the least here is"):
        compare_recipes(a, b, place, PairsRequest(minutes=0.01))
    assert not (place / "compare").exists()
    outcome = compare_recipes(a, b, place, PairsRequest(pairs=3, minutes=0.85))
    assert outcome.decisions.a == "plain"
    assert outcome.design.cells[1].flops == 4 * outcome.design.cells[0].flops
    assert (place / "compare" / "cosine" / "baseline.toml").exists()
    assert outcome.decisions.stopped in ("pairs", "verdict", "minutes")
    again = compare_recipes(a, b, place, PairsRequest())
    assert again.design == outcome.design
    assert again.decisions.stopped in ("pairs", "verdict")


def test_the_noise_of_a_study_counts_the_runs_of_its_comparisons(compared):
    study, _ = compared
    found = noise_of_study(study, 0.9)
    assert found.floors[0].set_name == "all text"
    assert found.floors[0].recipes >= 2, "both sides have two seeds of the cheap cell"
    before = found.floors[0].runs
    train_repeats(study, 2)
    after = noise_of_study(study, 0.9).floors[0]
    assert after.runs >= before + 1
    assert len(ids(study / "compare" / "repeats")) <= 3, "the study's own run is one of the four"
    with pytest.raises(InputError, match="have this name"):
        compare_with_study(study, study / "compare" / "new" / "recipe.toml", PairsRequest(name="repeats"))


def test_a_study_without_repeats_is_told_how_to_train_them(finished_study):
    with pytest.raises(RefusedError, match="isoflop noise .* --pairs 4"):
        noise_of_study(finished_study.path, 0.9)


def test_a_study_without_a_sweep_has_nothing_to_repeat(finished_study, tmp_path):
    with pytest.raises(InputError, match="no runs are designed yet"):
        train_repeats(finished_study.begun(tmp_path / "begun"), 2)
