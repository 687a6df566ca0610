"""Cores and accelerators that share the runs of a sweep. No figure here is a measurement."""

import pytest

from isoflop.runs.placement import Place
from isoflop.sweep import sweep_cost
from isoflop.sweep.devices import SharedDevice
from isoflop.sweep.places import TrainingPlaces
from sweep.machine import RECIPE, SPEED

SPEC = RECIPE.spec(RECIPE.architecture(2e4), 4e6)


def accelerator(factor: float, slots: int, gigabytes: float) -> SharedDevice:
    """One on which a run takes 1 / `factor` of its time on a core, and twice that with others beside it."""
    place = Place(name="cuda:0", slots=slots, memory_bytes=gigabytes * 2**30, device="cuda")
    speeds = {1: SPEED.slower(1 / factor, 0.0), slots: SPEED.slower(2 / factor, 0.0)}
    return SharedDevice(place=place, speeds=speeds, what="made up")


def test_cores_alone_are_workers_of_one_speed() -> None:
    places = TrainingPlaces(speed=SPEED, cores=3)
    assert places.seconds(SPEC) == places.seconds_on(SPEC, "cpu") == SPEED.seconds(SPEC)
    assert places.at_once(SPEC) == places.slots == 3
    assert places.cost([SPEC] * 5) == sweep_cost([SPEC] * 5, SPEED, 3)


def test_a_run_takes_what_it_takes_where_it_is_fastest_with_others_at_its_side() -> None:
    places = TrainingPlaces(speed=SPEED, cores=3, devices=(accelerator(10.0, 4, 64),))
    assert places.slots == 7
    assert places.seconds(SPEC) == pytest.approx(SPEED.seconds(SPEC) / 5)
    assert places.seconds_on(SPEC, "NVIDIA H100") == places.seconds(SPEC)
    assert places.seconds_on(SPEC, "cpu") == places.seconds_on(SPEC, None) == SPEED.seconds(SPEC)
    assert places.at_once(SPEC) == pytest.approx(4 + 3 / 5)


def test_an_accelerator_that_is_slower_than_a_core_counts_less() -> None:
    places = TrainingPlaces(speed=SPEED, cores=3, devices=(accelerator(1.0, 4, 64),))
    assert places.seconds(SPEC) == SPEED.seconds(SPEC)
    assert places.at_once(SPEC) == pytest.approx(3 + 4 / 2)


def test_an_accelerator_without_room_for_a_run_is_no_place_for_it() -> None:
    places = TrainingPlaces(speed=SPEED, cores=3, devices=(accelerator(10.0, 4, 0.5),))
    assert places.seconds(SPEC) == places.seconds_on(SPEC, "cuda:0") == SPEED.seconds(SPEC)
    assert places.at_once(SPEC) == 3


def test_a_slower_machine_is_slower_everywhere() -> None:
    places = TrainingPlaces(speed=SPEED, cores=3, devices=(accelerator(10.0, 4, 64),))
    slow = places.slower(2.0, 0.0)
    for device in ("cpu", "cuda:0"):
        assert slow.seconds_on(SPEC, device) == pytest.approx(2 * places.seconds_on(SPEC, device))
    assert slow.at_once(SPEC) == pytest.approx(places.at_once(SPEC))
