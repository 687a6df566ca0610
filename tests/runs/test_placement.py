import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.runs.placement import Busy, Needs, Offer, Place, place_runs

CORES = Place(name="cpu", slots=2)
GPU = Place(name="cuda:0", slots=4, memory_bytes=8e9)


def needs(core, alone, shared, gigabytes=0.5, **more):
    return Needs(seconds={"cpu": {2: core}, "cuda:0": {1: alone, 4: shared}}, device_bytes=gigabytes * 1e9, **more)


def test_a_tiny_run_goes_to_a_core_and_a_large_one_to_the_device():
    runs = {"tiny": needs(10.0, 30.0, 40.0), "large": needs(3600.0, 60.0, 90.0)}
    spots = {spot.run: spot for spot in place_runs(runs, [CORES, GPU])}
    assert {run: spot.place.name for run, spot in spots.items()} == {"tiny": "cpu", "large": "cuda:0"}
    assert spots["large"].end == 90.0  # shared by four: the measured slowdown is in the price


def test_small_runs_share_a_device_up_to_its_memory():
    runs = {index: needs(math.inf, 10.0, 20.0, gigabytes=2.0) for index in range(6)}
    spots = place_runs(runs, [GPU])
    assert [spot.start for spot in spots] == [0.0] * 4 + [20.0] * 2
    larger = {index: needs(math.inf, 10.0, 20.0, gigabytes=2.1) for index in range(3)}  # two slots each
    assert [(spot.lanes, spot.start) for spot in place_runs(larger, [GPU])] == [(2, 0.0), (2, 0.0), (2, 20.0)]


@pytest.mark.parametrize(
    ("run", "offer"),
    [
        (needs(9.0, 1.0, 3.0), Offer(1, 3.0)),
        (needs(9.0, 1.0, 3.0, gigabytes=3.9), Offer(2, 3.0)),  # with one other: no better than the next that is known
        (needs(9.0, 1.0, 3.0, gigabytes=5.0), Offer(3, 1.0)),
        (needs(9.0, 1.0, 3.0, gigabytes=8.1), None),
        (needs(9.0, 1.0, 3.0, memory="own"), Offer(4, 1.0)),
        (needs(9.0, 1.0, 3.0, memory="core"), None),
        (Needs(seconds={"cpu": {2: 9.0}}), None),
    ],
)
def test_the_offer_of_a_device(run, offer):
    assert Offer.of(run, GPU) == offer


def test_a_run_waits_for_a_device_that_ends_it_sooner_than_a_free_core():
    run = {"large": needs(3600.0, 60.0, 60.0, gigabytes=8.0)}
    busy = [Busy(place="cuda:0", lanes=1, end=30.0)]
    (spot,) = place_runs(run, [CORES, GPU], busy)
    assert (spot.place.name, spot.start, spot.end) == ("cuda:0", 30.0, 90.0)
    (spot,) = place_runs(run, [CORES, GPU], [Busy(place="cuda:0", lanes=1, end=3600.0)])
    assert spot.place.name == "cpu"


_SECONDS = st.floats(0.1, 1e4)
_RUNS = st.dictionaries(
    st.integers(0, 30),
    st.builds(needs, _SECONDS, _SECONDS, _SECONDS, st.floats(0.01, 8.0)),
    max_size=15,
)


@given(_RUNS, st.integers(1, 4), st.integers(1, 6))
def test_no_place_ever_has_more_runs_or_bytes_than_it_takes(runs, cores, slots):
    places = [Place(name="cpu", slots=cores), Place(name="cuda:0", slots=slots, memory_bytes=8e9)]
    spots = place_runs(runs, places)
    assert {spot.run for spot in spots} == set(runs)
    for moment in (spot.start for spot in spots):
        for place in places:
            there = [s for s in spots if s.place == place and s.start <= moment < s.end]
            assert sum(spot.lanes for spot in there) <= place.slots
            if place.memory_bytes is not None:
                assert sum(runs[spot.run].device_bytes for spot in there) <= place.memory_bytes * (1 + 1e-9)


@given(st.lists(_SECONDS, max_size=20), st.integers(1, 6))
def test_on_equal_workers_it_is_longest_first(seconds, workers):
    runs = {index: Needs(seconds={"cpu": {workers: value}}) for index, value in enumerate(seconds)}
    spots = place_runs(runs, [Place(name="cpu", slots=workers)])
    end = max((spot.end for spot in spots), default=0.0)
    # Graham 1969: at most 4/3 of the best schedule, which is no shorter than the mean load and the longest run
    bound = max([sum(seconds) / workers, *seconds], default=0.0)
    assert bound - 1e-6 <= end <= (4 / 3) * bound * (1 + 1e-9) + (max(seconds, default=0.0) if bound else 0.0)


@given(_RUNS)
def test_the_same_question_has_the_same_answer(runs):
    assert place_runs(runs, [CORES, GPU]) == place_runs(dict(runs), [CORES, GPU])
