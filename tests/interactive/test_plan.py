"""`isoflop.plan(budget)` reads a budget as people write it."""

import pytest

import isoflop
from isoflop.errors import InputError


def codes(plan):
    return [notice.code for notice in plan.notices]


def test_flops_are_a_number_or_text():
    by_number, by_text = isoflop.plan(5.76e23, "besiroglu2024"), isoflop.plan("5.76e23", "besiroglu2024")
    assert by_number == by_text == isoflop.make_plan("besiroglu2024", "5.76e23")
    assert by_text.params_interval is not None


def test_without_a_law_the_answer_names_the_one_it_takes():
    plan = isoflop.plan("1e21")
    assert plan.law.name == "besiroglu2024"
    assert codes(plan)[0] == "default_law"


def test_money_takes_default_devices_and_says_so():
    plan = isoflop.plan("$2M")
    assert {"default_law", "default_devices"} <= set(codes(plan))
    assert plan.cost_estimate.price == pytest.approx(2e6, rel=0.2)


def test_devices_and_a_time_are_a_budget():
    cluster = isoflop.Cluster.parse("512xH100", days=30)
    assert isoflop.plan("512xH100 30d") == isoflop.plan(cluster=cluster)


def test_a_loss_is_a_budget():
    assert isoflop.plan(loss="2.2").loss == pytest.approx(2.2, abs=1e-9)


def test_devices_price_a_budget_of_flops():
    assert isoflop.plan("1e22", cluster="64xH100").cost_estimate.price > 0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "expected a budget"),
        ({"budget": "70B"}, "expected FLOPs such as 1e21"),
        ({"budget": "1e21", "loss": 2.0}, "two budgets"),
        ({"budget": "1e21", "law": "chinchila"}, "did you mean besiroglu2024"),
        ({"budget": "1e21", "approach": "isoflop"}, "needs a fit"),
        ({"budget": "512xH100 30d", "cluster": "8xA100"}, "give one of them"),
        ({"budget": "$2M", "cluster": isoflop.Cluster.parse("8xH100", days=3)}, "give one of them"),
        ({"budget": "2M EUR"}, "is in EUR"),
        ({"cluster": "8xH100"}, "devices alone are no budget"),
    ],
)
def test_a_budget_that_is_none_or_two_is_refused(arguments, complaint):
    with pytest.raises(InputError) as caught:
        isoflop.plan(**arguments)
    assert complaint in str(caught.value)
