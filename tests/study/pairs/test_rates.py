"""Which learning rate a side is compared at."""

import pytest

from isoflop.study.pairs.rates import FURTHER, RateCheck


@pytest.mark.parametrize(
    ("losses", "best", "next_factor"),
    [
        ({0.5: 2.1, 1.0: 2.0, 2.0: 2.2}, 1.0, None),
        ({0.5: 1.9, 1.0: 2.0, 2.0: 2.2}, 0.5, 0.25),
        ({0.5: 2.1, 1.0: 2.0, 2.0: 1.9}, 2.0, 4.0),
        ({0.5: 2.1, 1.0: 2.0, 2.0: None}, 1.0, None),
        ({0.5: 2.1, 1.0: None, 2.0: None}, 0.5, 0.25),
        ({0.5: None, 1.0: None, 2.0: None}, 1.0, 0.25),
        ({0.5: 2.0, 1.0: 2.0, 2.0: 2.0}, 1.0, None),
        ({0.25: 2.0, 0.5: 1.9, 1.0: 2.0, 2.0: 2.1}, 0.5, None),
    ],
)
def test_the_best_rate_and_the_next_to_try(losses, best, next_factor):
    check = RateCheck(losses=losses)
    assert check.best == best
    assert check.next_factor == next_factor


def test_the_search_ends_though_every_further_rate_is_better():
    losses = {0.5: 3.0, 1.0: 2.9, 2.0: 2.8}
    while (factor := RateCheck(losses=losses).next_factor) is not None:
        losses[factor] = min(losses.values()) - 0.1
    assert len(losses) == 3 + FURTHER
    check = RateCheck(losses=losses)
    assert not check.bracketed
    assert (
        check.words()
        == "16 times the recipe's rate, the best of 6, which is an outer one: a better rate may lie beyond"
    )


def test_a_side_without_any_loss_diverged():
    check = RateCheck(losses={0.5: None, 1.0: None, 2.0: None})
    assert check.diverged
    assert check.words() == "none: it diverged at all of 3 rates"
    assert not RateCheck(losses={}).diverged
    assert RateCheck(losses={}).words() == "the recipe's rate, not checked"
