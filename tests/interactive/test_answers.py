"""What a notebook and a prompt show: three lines with units, intervals and grade, and HTML with one figure."""

import re
import xml.etree.ElementTree as ET

import pytest

import isoflop
from interactive.tables import table
from isoflop.report.panels.expected_profile import expected_profile
from isoflop.units import format_quantity


@pytest.fixture(scope="module")
def fitted():
    return isoflop.fit(table("pandas"), draws=100)


@pytest.fixture(scope="module")
def answers(fitted):
    return {
        "fit": fitted,
        "plan": fitted.plan("1e21", cluster="64xH100"),
        "published": isoflop.plan("1e22"),
        "limited": isoflop.plan("1e22", objective=isoflop.LimitedData(unique_tokens="50B")),
        "no loss": isoflop.make_plan("kaplan2020", 1e22),
        "prediction": fitted.predict("1B", "20B"),
        "no interval": isoflop.predict("hoffmann2022-3", "1B", "20B"),
    }


KINDS = ("fit", "plan", "published", "limited", "no loss", "prediction", "no interval")


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_shows_three_lines(answers, kind):
    first, *others = repr(answers[kind]).splitlines()
    assert len(others) == 2
    assert all(line.startswith("  ") for line in others)
    assert re.search(r": (sound|with care|do not use)", first)
    assert re.search(r"interval", others[1])


def test_a_plan_says_its_numbers(answers):
    plan = answers["plan"]
    text = repr(plan)
    assert "by a law fitted to 45 runs: with care (extrapolation)" in text
    low, high = map(format_quantity, plan.params_interval)
    assert f"{format_quantity(plan.params)} ({low} to {high}) parameters" in text
    assert f"loss {plan.loss:.4f} ({plan.loss_interval[0]:.4f} to {plan.loss_interval[1]:.4f}) nats per token" in text
    assert f"for {format_quantity(plan.cost_estimate.price)} USD" in text


def test_an_answer_without_a_loss_or_an_interval_says_so(answers):
    assert "no loss by this law" in repr(answers["no loss"])
    assert "no interval" in repr(answers["no interval"])


def test_runs_that_decide_nothing_say_why():
    runs = [{"params": 1e9, "tokens": 2e10, "loss": 2.7}, {"params": 1e9, "tokens": 4e10, "loss": 2.6}]
    fit = isoflop.fit(runs)
    assert "do not use" in repr(fit)
    assert "no approach could fit a law" in repr(fit)
    assert "no approach could fit a law" in fit._repr_html_()
    with pytest.raises(isoflop.RefusedError):
        fit.plan("1e21")


@pytest.mark.parametrize("kind", KINDS)
def test_html_is_well_formed_and_has_the_answer_without_a_script(answers, kind):
    html = answers[kind]._repr_html_()
    root = ET.fromstring(html.replace("&nbsp;", " "))
    words = " ".join("".join(root.itertext()).split())
    for line in repr(answers[kind]).splitlines():
        assert line.strip() in words
    assert len(list(root.iter("svg"))) >= (0 if kind == "no loss" else 2)  # the figure, and signs of its legend
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org", "")
    assert len(html) < 40_000
    for notice in answers[kind].notices:
        assert notice.code in html


def test_words_of_others_are_escaped():
    runs = table("pandas").assign(run_id=[f"<img src=x onerror=alert({i})>" for i in range(45)])
    assert "<img" not in isoflop.fit(runs, draws=20)._repr_html_()


@pytest.mark.parametrize("kind", ["plan", "published", "limited", "prediction"])
def test_the_answer_lies_on_its_profile(answers, kind):
    answer = answers[kind]
    profile = expected_profile(answer)
    middle = len(profile.params) // 2
    assert profile.params[middle] == pytest.approx(answer.params, rel=1e-12)
    assert profile.loss[middle] == pytest.approx(answer.loss, rel=1e-9)
    assert profile.low[middle] == pytest.approx(profile.at_interval[0], rel=1e-9)
    assert min(profile.loss) == pytest.approx(answer.loss, rel=3e-3)


def test_the_source_of_an_answer_is_no_part_of_what_it_is(answers):
    assert "source" not in answers["plan"].as_json()
    again = isoflop.plan("1e22")
    assert again == answers["published"]
    assert again.source is not answers["published"].source
