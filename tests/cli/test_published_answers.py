"""`isoflop fit` on the raw files of published experiments gives the answers that their authors published."""

import json

import pytest
from shared_data import DATA, shared


@pytest.mark.parametrize(
    ("rows", "options", "constants", "objective"),
    [
        (240, ["--where", "loss<3.44"], (1.81722, 477.83, 2143.4, 0.34731, 0.36717), 0.0010182740),
        (245, [], (1.891339, 495.73, 12845.6, 0.349313, 0.453049), 0.0018260105),
    ],
)
def test_the_figure_of_hoffmann_et_al(rows, options, constants, objective, answer):
    """Besiroglu et al. 2024 leave out the five rows of highest loss; their notebook prints both fits."""
    found = answer("fit", shared("chinchilla_svg/svg_extracted_data.csv"), "--draws", 0, *options)
    assert found["observations"]["rows_used"] == rows
    fit = found["parametric"]
    for name, value in zip(("E", "A", "B", "alpha", "beta"), constants, strict=True):
        assert fit[name] == pytest.approx(value, rel=1e-5), name
    assert fit["objective"] == pytest.approx(objective, abs=6e-11)
    assert fit["starts"]["at_best"] == fit["starts"]["tried"]


@pytest.mark.parametrize(("name", "within"), [("hot", 5e-4), ("cool_end", 5e-4), ("slim_chinchilla", 1e-3)])
def test_the_fits_of_gemstones(name, within, answer):
    found = answer("fit", shared(f"gemstones/wandb_df_for_fitting_{name}.jsonl"), "--draws", 0)["parametric"]
    published = json.loads(shared("gemstones/published_fit_parameters.json").read_text())
    theirs = published[f"parameters_delta-3/approach_3_parameters_grid_search_0_{name}.json"]["exponents"]["0"]
    assert [found["alpha"], found["beta"]] == pytest.approx(theirs, abs=within)


def conditions():
    """(file, row, warm-up, decay) of Porian et al.'s 15 conditions; none where their files are absent."""
    path = DATA / "porian" / "published_fits.json"
    entries = json.loads(path.read_text()) if path.is_file() else []
    return [(entry["file"], entry["row"], entry["warmup"], entry["decay"]) for entry in entries]


def published_exponent(file, row):
    entries = json.loads(shared("porian/published_fits.json").read_text())
    (entry,) = [entry for entry in entries if (entry["file"], entry["row"]) == (file, row)]
    return entry["fit_results"]["basic"]["n_exponent"]


def test_porian_has_fifteen_conditions():
    shared("porian/published_fits.json")
    assert len(conditions()) == 15
    assert sum((warmup, decay) == ("short", "kaplan") for _, _, warmup, decay in conditions()) == 3


@pytest.mark.parametrize(("file", "row", "warmup", "decay"), conditions())
def test_the_exponents_of_porian_et_al(file, row, warmup, decay, answer):
    chosen = ["--where", f"file={file}", "--where", f"row={row}"]
    optima = answer("fit", shared("porian/optimal_pairs.csv"), "--optima", "--draws", 0, *chosen)["isoflop"]
    assert optima["a"] == pytest.approx(published_exponent(file, row), abs=1e-3)
    approach_2 = answer("fit", shared("porian/isoflop_points.csv"), "--draws", 0, *chosen)["isoflop"]
    assert approach_2["a"] == pytest.approx(published_exponent(file, row), abs=0.03)
    flagged = "schedule_mismatch" in {warning["code"] for warning in approach_2["warnings"]}
    if decay == "kaplan":  # one long cosine for all horizons; with the short warm-up nothing else is amiss
        assert flagged
    if decay == "chinchilla":
        assert not flagged
