from __future__ import annotations

from dataclasses import replace

from isoflop.fit import FitReport, Refused
from isoflop.observations import DroppedRow
from isoflop.report.fitted_runs import runs_of_fit, runs_of_study
from isoflop.report.pages import study_page
from isoflop.report.panel import Card
from isoflop.report.panels.methods import fit_methods
from isoflop.report.record import StudyRecord


def cards_of(study: StudyRecord) -> dict[str, Card]:
    return {card.heading: card for card in study_page(study).methods}


def text_of(study: StudyRecord) -> dict[str, str]:
    return {heading: " ".join(card.lines) for heading, card in cards_of(study).items()}


def test_a_study_names_dropped_rows_corpus_and_warnings(study: StudyRecord) -> None:
    assert study.fit is not None
    read = replace(study.fit.observations, rows_read=37, dropped=(DroppedRow(row=17, reason="diverged"),))
    text = text_of(replace(study, fit=replace(study.fit, observations=read)))
    assert text["Rows left out of the fits"] == "35 of 37 rows are used. diverged: row 17"
    assert "2.10 % of its 13-grams are in training" in text["Corpus"]
    assert "312 duplicate documents" in text["Corpus"]
    assert "Embedding and head hold 18 to 60 % of the parameters." in text["Notices"]
    assert "C counts training FLOPs: matmul" in text["Conventions"]
    assert "family: llama" in text["Training"]


def test_the_speeds_of_the_trainer_are_a_table_of_three_numbers(study: StudyRecord) -> None:
    card = cards_of(study)["Machine"]
    assert list(card.lines) == ["2 cores", "Matrix multiplication: 6.1e10 FLOP/s a core, measured"]
    assert card.table is not None
    assert card.table.columns == ("parameters", "FLOP/s", "seconds a step")
    assert card.table.rows == (("6,032", "9.1e9", "0.0041"), ("75,600", "2.4e10", "0.0236"))


def test_a_study_that_has_just_begun_has_few_cards(study: StudyRecord) -> None:
    assert list(cards_of(StudyRecord(title="new", conventions=study.conventions))) == ["Conventions", "Versions"]


def test_only_identified_constants_have_numbers(study: StudyRecord) -> None:
    assert study.fit is not None
    assert not isinstance(study.fit.parametric, Refused)
    judged = {**study.fit.parametric.identified, "E": False, "alpha": True}
    fit = replace(study.fit, parametric=replace(study.fit.parametric, identified=judged))
    fitting = cards_of(replace(study, fit=fit))["Fitting"].lines
    assert not any(line.startswith("E =") for line in fitting)
    assert any(line.startswith("alpha = 0.") for line in fitting)


def test_budgets_left_out_have_their_reason(study: StudyRecord) -> None:
    assert study.fit is not None
    assert not isinstance(study.fit.isoflop, Refused)
    first, *others = study.fit.isoflop.budgets
    budgets = (replace(first, kept=False, reason="4 sizes"), *others)
    changed = replace(study, fit=replace(study.fit, isoflop=replace(study.fit.isoflop, budgets=budgets)))
    assert runs_of_study(changed).isoflop is not None
    assert text_of(changed)["Budgets left out of approach 2"] == "1e11 FLOPs: 4 sizes"


def test_a_fit_alone_has_panels_for_its_exclusions_and_warnings(report: FitReport) -> None:
    cards = {card.heading: card for card in fit_methods(runs_of_fit(report), {"isoflop": "0.2.0"})}
    assert cards["Conventions"].lines[0] == "N counts parameters: total."
    assert list(cards) == ["Conventions", "Fitting", "Versions"]
