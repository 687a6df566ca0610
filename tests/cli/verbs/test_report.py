"""`isoflop report`: of a study it is tested with the study; here of a fit, and what is said when neither is given."""

import json

import numpy as np
import pytest
from compare.final_tables import rows_of, write_csv

from isoflop.laws import published_law

LAW = published_law("besiroglu2024")


@pytest.fixture(scope="module")
def fit(tmp_path_factory):
    from click.testing import CliRunner

    from isoflop.cli import main

    folder = tmp_path_factory.mktemp("fit")
    lines = ["params,tokens,loss"]
    for flops in np.geomspace(1e18, 1e20, 4):
        for N in float(LAW.optimum(flops)[0]) * np.geomspace(0.3, 3, 7):
            lines += [f"{N},{flops / (6 * N)},{float(LAW.loss(N, flops / (6 * N)))}"]
    (folder / "runs.csv").write_text("\n".join(lines) + "\n")
    out = folder / "fit.json"
    result = CliRunner().invoke(main, ["fit", str(folder / "runs.csv"), "--draws", "50", "--out", str(out)])
    assert result.exit_code == 0, result.stderr
    return out


def test_the_page_stands_next_to_the_fit_or_where_it_is_told(fit, tmp_path, run):
    result = run("report", "--fit", fit)
    assert (result.exit_code, result.stdout) == (0, f"{fit.with_suffix('.html')}\n")
    page = fit.with_suffix(".html").read_text()
    assert page.startswith("<!doctype html>")
    assert '<section id="scaling"' in page
    elsewhere = tmp_path / "page.html"
    assert run("report", "--fit", fit, "--out", elsewhere).exit_code == 0
    assert elsewhere.is_file()


def test_one_of_a_study_and_a_fit_is_asked_for(fit, tmp_path, run):
    for arguments in (("report",), ("report", tmp_path, "--fit", fit)):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "either DIRECTORY, a study, or FIT" in result.stderr


def test_a_fit_is_reported_by_its_name_alone_and_a_study_in_its_place_is_told(fit, tmp_path, run):
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    for arguments, page in zip([(fit,), ("--fit", fit)], pages, strict=True):
        assert run("report", *arguments, "--out", page).exit_code == 0
    assert pages[0].stat().st_size == pages[1].stat().st_size
    result = run("report", "--fit", tmp_path)
    assert result.exit_code == 2
    assert f"isoflop report {tmp_path}" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), ("params,tokens,loss\n", "isoflop fit"), ('{"schema": 99}', "isoflop fit"), ("[]", "fit")],
)
def test_a_file_that_is_no_fit_is_told_how_to_make_one(tmp_path, run, content, message):
    file = tmp_path / "fit.json"
    if content is not None:
        file.write_text(content)
    result = run("report", "--fit", file)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "fit.json" in result.stderr
    assert not file.with_suffix(".html").exists()


def test_the_fit_is_not_written_over(fit, run):
    before = json.loads(fit.read_text())
    result = run("report", "--fit", fit, "--out", fit)
    assert result.exit_code == 2
    assert "replace the file that it is made from" in result.stderr
    assert json.loads(fit.read_text()) == before


def test_a_folder_or_no_folder_to_write_to_is_told(fit, tmp_path, run):
    assert "got a folder" in run("report", "--fit", fit, "--out", tmp_path).stderr
    assert "no such folder" in run("report", "--fit", fit, "--out", tmp_path / "none" / "page.html").stderr


def test_the_papers_page_stands_where_it_is_told(tmp_path, run):
    target = tmp_path / "page.html"
    result = run("report", "--paper", "--out", target)
    assert (result.exit_code, result.stdout) == (0, f"{target}\n")
    assert '<section id="map"' in target.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--paper", "study"), "or --paper"),
        (("--points", "points.csv", "study"), "--points goes with --paper"),
        (("--paper", "--points", "absent.csv"), "no such file"),
    ],
)
def test_what_does_not_go_with_the_papers_is_one_clear_message(run, arguments, message):
    result = run("report", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_two_recipes_have_a_page(run, tmp_path):
    files = [write_csv(tmp_path / f"{name}.csv", rows_of(name, gain)) for name, gain in (("slow", 1.0), ("fast", 1.3))]
    result = run("report", "--compare", *files, "--out", tmp_path / "two.html")
    assert result.exit_code == 0, result.stderr
    assert "fast is better than slow" in (tmp_path / "two.html").read_text()
    assert run("report", "study", "--compare", *files).exit_code == 2
