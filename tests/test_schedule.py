"""The rate rises, peaks and ends where it says, for every shape and length."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import InputError
from isoflop.schedule import KINDS, Schedule

SCHEDULES = st.builds(
    Schedule,
    kind=st.sampled_from(KINDS),
    final_fraction=st.floats(0, 1),
    cooldown_fraction=st.floats(0.01, 1),
)
LENGTHS = st.integers(2, 10**12)


@st.composite
def runs(draw):
    """(schedule, tokens, warm-up tokens), the warm-up shorter than the run."""
    tokens = draw(LENGTHS)
    return draw(SCHEDULES), tokens, draw(st.integers(0, tokens - 1))


@given(runs())
def test_it_starts_at_nothing_peaks_after_warm_up_and_ends_where_it_says(run):
    schedule, tokens, warmup = run

    def factor(token):
        return schedule.factor(token, tokens=tokens, warmup_tokens=warmup)

    if warmup:
        assert factor(0) == 0
        assert factor(warmup / 2) == pytest.approx(0.5)
    assert factor(warmup) == pytest.approx(1)
    end = 1.0 if schedule.kind == "constant" else schedule.final_fraction
    assert factor(tokens) == pytest.approx(end, abs=1e-9)
    # a step's middle may lie past the last token by rounding, never the rate past its end
    assert factor(tokens + 1) == pytest.approx(end, abs=1e-9)


@given(runs(), st.floats(0, 1), st.floats(0, 1))
def test_it_never_rises_after_warm_up_and_never_falls_before(run, first, second):
    schedule, tokens, warmup = run
    early, late = sorted((first, second))

    def factor(token):
        return schedule.factor(token, tokens=tokens, warmup_tokens=warmup)

    assert factor(early * warmup) <= factor(late * warmup) + 1e-12
    after = tokens - warmup
    assert factor(warmup + early * after) >= factor(warmup + late * after) - 1e-9
    assert all(0 <= factor(share * tokens) <= 1 + 1e-12 for share in (0, early, late, 1))


@given(runs(), st.floats(0, 1))
def test_there_is_no_jump(run, share):
    # 1 - sqrt falls steepest, right where its cooldown begins: by sqrt(x) over the share x of it
    schedule, tokens, warmup = run
    here = warmup + share * (tokens - warmup)
    step = 1e-6 * (tokens - warmup)
    cooldown = tokens - max(warmup, tokens * (1 - schedule.cooldown_fraction))
    most = {"constant": 0.0, "cosine": 1e-5, "wsd": math.sqrt(min(1, step / max(cooldown, step)))}[schedule.kind]
    before, after = (schedule.factor(t, tokens=tokens, warmup_tokens=warmup) for t in (here, here + step))
    assert before - after <= most * 1.01 + 1e-6


def test_the_cosine_is_half_way_down_in_the_middle():
    assert Schedule(final_fraction=0.1).factor(600, tokens=1000, warmup_tokens=200) == pytest.approx(0.55)


def test_wsd_is_flat_then_falls_with_the_square_root():
    # Hagele et al. 2024 (2405.18392): peak x (1 - sqrt((n - n_start) / n_cooldown))
    schedule = Schedule(kind="wsd", final_fraction=0, cooldown_fraction=0.2)
    found = [schedule.factor(t, tokens=1000, warmup_tokens=100) for t in (100, 500, 800, 850, 1000)]
    assert found == pytest.approx([1, 1, 1, 0.5, 0])


def test_a_cooldown_longer_than_what_follows_warm_up_begins_after_it():
    schedule = Schedule(kind="wsd", final_fraction=0.1, cooldown_fraction=0.9)
    assert schedule.factor(500, tokens=1000, warmup_tokens=500) == 1
    assert schedule.factor(625, tokens=1000, warmup_tokens=500) == pytest.approx(1 - 0.9 * 0.5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_all_warm_up_ends_at_the_peak(kind):
    assert Schedule(kind=kind).factor(1000, tokens=1000, warmup_tokens=1000) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "linear"}, "expected one of cosine, wsd, constant, got 'linear'"),
        ({"final_fraction": 1.1}, "final_fraction"),
        ({"final_fraction": math.nan}, "final_fraction"),
        ({"cooldown_fraction": 0.0}, "cooldown_fraction"),
    ],
)
def test_what_is_no_schedule_is_refused(wrong, said):
    with pytest.raises(InputError, match=said):
        Schedule(**wrong)
