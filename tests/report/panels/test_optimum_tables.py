from __future__ import annotations

from dataclasses import replace

from isoflop.fit import FitReport, Refused
from isoflop.report.panels.optimum_tables import exponents_table, fit_optima, not_identified, optimum_table
from isoflop.report.record import StudyRecord
from report.fitted_tables import budgets_of_runs, fitted


def test_the_optimum_is_known_at_three_computes_by_each_approach(report: FitReport) -> None:
    optima = fit_optima(report)
    assert [one.factor for one in optima] == [1, 10, 100]
    for one in optima:
        assert set(one.by_approach) == {"parametric", "isoflop"}
        for name, best in one.by_approach.items():
            assert (best.params, best.tokens) == report.fitted[name].optimum(one.flops)
            assert best.params_interval is not None
            assert best.params_interval[0] < best.params < best.params_interval[1]
            assert best.tokens_interval is not None
            assert best.tokens_interval[0] < best.tokens < best.tokens_interval[1]
    first = optima[0]
    assert first.loss is not None
    assert first.loss_interval is not None
    assert first.loss_interval[0] < first.loss < first.loss_interval[1]
    table = optimum_table(optima[1])
    assert table is not None
    assert table.heading.endswith("ten times that")
    # what a plan takes stands first, above the approaches that it is mixed from
    assert [row[0] for row in table.rows] == ["all, mixed", "2 isoFLOP", "3 parametric"]


def test_without_draws_there_are_no_intervals() -> None:
    best = fit_optima(fitted(budgets_of_runs(), draws=0))[0]
    assert best.by_approach["parametric"].params_interval is None
    assert best.loss is None


def test_where_the_size_is_open_the_forecast_is_a_range(few: FitReport) -> None:
    table = optimum_table(fit_optima(few)[1])
    assert table is not None
    assert all(cell.endswith(", not identified") for cell in table.rows[0][1:])


def test_what_is_refused_or_not_identified_is_a_sentence(study: StudyRecord) -> None:
    assert study.fit is not None
    assert not isinstance(study.fit.parametric, Refused)
    judged = {**study.fit.parametric.identified, "E": False}
    fit = replace(
        study.fit,
        parametric=replace(study.fit.parametric, identified=judged),
        envelope=Refused(approach="envelope", code="no_curves", reason="no curve is recorded.", applicable=False),
    )
    sentences = not_identified(fit, of_study=True)
    assert any("not printed: E of" in sentence for sentence in sentences)
    assert any("does not apply. No curve is recorded." in sentence for sentence in sentences)
    assert not any("does not apply" in sentence for sentence in not_identified(fit, of_study=False))
    table = exponents_table(fit)
    assert table is not None
    assert [row[0] for row in table.rows] == ["2 isoFLOP", "3 parametric"]
    assert not_identified(None, of_study=True) == ()
