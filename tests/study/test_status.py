from isoflop.study.status import budgets_of


def view_of(isoflop):
    runs = [{"purposes": ["isoflop"], "budget_flops": flops} for flops in (2e12, 1e12, 1e12)]
    return {"runs": [*runs, {"purposes": ["planned"], "budget_flops": 8e12}], "fit": {"isoflop": isoflop}}


def test_budgets_are_those_of_the_fit():
    row = {"flops": 1e12, "kept": True, "reason": "", "params": 5.0, "tokens": 7.0, "loss": 2.0, "curvature": 3.0}
    (found,) = budgets_of(view_of({"status": "ok", "budgets": [row]}))
    assert found == {key: row.get(key) for key in found}
    assert "curvature" not in found
    assert found["params_interval"] is None


def test_where_approach_2_was_refused_every_budget_says_why():
    found = budgets_of(view_of({"status": "refused", "reason": "no vertex"}))
    assert [(row["flops"], row["kept"], row["reason"], row["params"]) for row in found] == [
        (1e12, False, "no vertex", None),
        (2e12, False, "no vertex", None),
    ]


def test_before_the_fit_there_are_none():
    assert budgets_of({"fit": None}) is None
