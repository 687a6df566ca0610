from __future__ import annotations

from dataclasses import replace

import pytest

from isoflop.fit import FitReport, ParametricFit, Refused
from isoflop.fit.result.parametric import Correlation
from isoflop.report.fitted_runs import runs_of_fit
from isoflop.report.panel import Panel
from isoflop.report.panels.constants import centre_terms, certificate, constants, constants_panel, correlations
from isoflop.report.panels.optimum_tables import fit_optima, not_identified


def parametric(report: FitReport) -> ParametricFit:
    assert not isinstance(report.parametric, Refused)
    return report.parametric


def test_a_constant_without_identification_has_no_number(report: FitReport) -> None:
    fit = replace(
        parametric(report),
        identified={"E": False, "A": False, "B": False, "params_opt": True},
        identified_because={"E": "E runs to 0", "A": "20 to 9e+03, limit a factor 30"},
    )
    changed, optima = replace(report, parametric=fit), fit_optima(report)
    named = {one.name: one for one in constants(fit, optima)}
    assert list(named) == ["E", "A", "B", "alpha", "beta", "a", "N_opt"]
    assert named["E"].text == "not identified: E runs to 0"
    assert named["A"].text == "not identified: 90 % interval 20 to 9e+03, limit a factor 30"
    assert named["B"].text.startswith("not identified: resamples put it anywhere from ")
    assert named["N_opt"].value == optima[0].by_approach["parametric"].params
    assert "E, A, B of the parametric fit" in " ".join(not_identified(changed, of_study=False))
    panel = constants_panel(runs_of_fit(changed), optima)
    assert isinstance(panel, Panel)
    facts = {fact.label: fact for fact in panel.cards[0][1]}
    assert facts["E"].value == "not identified"
    assert f"{fit.law.alpha:.4g} (" in facts["alpha"].value


def test_a_refused_fit_stands_with_its_reason(refused: FitReport) -> None:
    panel = constants_panel(runs_of_fit(refused), fit_optima(refused))
    assert isinstance(panel, Panel)
    assert isinstance(refused.parametric, Refused)
    assert refused.parametric.reason in panel.lead
    assert panel.drawings == panel.cards == ()


def test_terms_at_the_centre_add_up_to_the_loss_there(report: FitReport) -> None:
    fit = parametric(report)
    size, tokens = centre_terms(fit)
    at_centre = float(fit.law.loss(fit.centre.params, fit.centre.tokens))
    assert float(fit.law.E) + size.value + tokens.value == pytest.approx(at_centre, rel=1e-12)


def test_correlations_are_named_with_their_sign(report: FitReport) -> None:
    pairs = (
        Correlation(pair=("A", "alpha"), correlation=0.9987),
        Correlation(pair=("E", "beta"), correlation=-0.91),
    )
    fit = replace(parametric(report), correlations=pairs)
    assert correlations(fit) == ("ln A and alpha +0.999", "E and beta −0.910")


def test_the_certificate_counts_the_starts(report: FitReport) -> None:
    fit = parametric(report)
    optimum, objective, scatter = certificate(fit)
    assert optimum.value.startswith(f"{fit.starts.at_best} of {fit.starts.tried} starts end at the best optimum; its ")
    assert objective.value.endswith("delta 0.001")
    assert scatter.value == f"{100 * fit.residual_sd:.2f} % of the loss, one run"
