"""Minutes that a study keeps to on a machine whose speed changes, by a clock that is made up."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from isoflop.recipe import SmallRecipe
from isoflop.runs.placement import Place
from isoflop.study.clock import AFTER, Clock
from isoflop.study.settings import StudySettings
from isoflop.sweep import Design, comparison_design, spent_flops
from isoflop.sweep.adaptive_runs import RunGrid
from isoflop.sweep.allowance import FINAL_RATIO
from isoflop.sweep.designs import first_guess
from isoflop.sweep.devices import SharedDevice
from isoflop.sweep.places import TrainingPlaces
from isoflop.sweep.study_design import STAGE_SECONDS, TYPICAL_SPEED

RECIPE = SmallRecipe(vocab_size=257)
WORKERS = 2
PLACES = TrainingPlaces(speed=TYPICAL_SPEED, cores=WORKERS)


class Machine:
    """Trains at once, and moves the clock: `slowdown` of the share of the minutes that passed is by how much slower
    than measured it is, and each step takes `more` seconds longer."""

    def __init__(self, minutes, slowdown, more=0.0, places=PLACES):
        self.seconds, self.slowdown = 60 * minutes, slowdown
        self.places = places.slower(1.0, more)
        self.now, self.ended = 25.0, []

    def train(self, specs):
        taken = self.slowdown(self.now / self.seconds)
        for spec in specs:
            seconds, device = taken * self.places.seconds(spec), "cuda:0" if self.places.devices else "cpu"
            self.ended.append((spec, SimpleNamespace(wall_seconds=seconds, finished=self.now, device=device)))
        self.now += taken * self.places.cost(specs).seconds


def study_of(minutes, slowdown, more, places=PLACES):
    """(seconds of the whole study, FLOPs of the planned run over those of the largest of the sweep)."""
    machine = Machine(minutes, slowdown, more, places)
    clock = Clock(
        settings=StudySettings(minutes=minutes, design="adaptive"),
        recipe=RECIPE,
        places=places,
        elapsed=lambda: machine.now,
    )
    grid = RunGrid(
        recipe=RECIPE,
        places=places,
        corpus="",
        seed=0,
        largest_run=clock.allowance(0.0, None).largest_run,
        most_tokens=1e12,
    )
    design = grid.first_design()
    machine.train(design.specs)
    while True:  # batches of four runs each, as dear as the time and the largest run allow
        clock.observe(machine.ended)
        allowed = clock.allowance(spent_flops(design.specs), None)
        fits = [
            one.spec
            for one in grid.possible(design)
            if one.spec.flops <= allowed.largest_run and clock.places_now.seconds(one.spec) <= allowed.worker_seconds
        ]
        batch = sorted(fits, key=lambda spec: -spec.flops)[2:6]
        if not batch or 4 * clock.places_now.seconds(batch[0]) > allowed.worker_seconds:
            break
        machine.train(batch)
        design = Design(runs=(*design.runs, *(SimpleNamespace(spec=spec, purpose="adaptive") for spec in batch)))
    last = SimpleNamespace(params=first_guess(RECIPE, 1e12), target_flops=1e12)
    final = clock.final_flops(spent_flops(design.specs), last)
    machine.now += sum(STAGE_SECONDS[name] for name in AFTER)
    size = last.params * (final / last.target_flops) ** 0.5
    machine.train(comparison_design(RECIPE, RECIPE.architecture(size), final, corpus="", seed=0).specs)
    return machine.now, final / max(spec.flops for spec in design.specs)


@pytest.mark.parametrize("minutes", [6.0, 15.0, 60.0])
@pytest.mark.parametrize(
    ("slowdown", "more"),
    [(lambda _: 1.0, 0.0), (lambda _: 1.8, 0.0), (lambda _: 1.0, 2e-3), (lambda _: 1.3, 2e-3)],
    ids=["as measured", "slower than measured", "longer steps", "both"],
)
def test_it_ends_within_fifteen_per_cent_of_its_minutes(minutes, slowdown, more):
    seconds, ratio = study_of(minutes, slowdown, more)
    assert seconds == pytest.approx(60 * minutes, rel=0.15)
    assert ratio >= FINAL_RATIO


def gpu(factor, slots, gigabytes):
    """An accelerator on which `slots` runs side by side each take 1 / `factor` of their time on a core."""
    own = TYPICAL_SPEED.slower(1 / factor, 0.0)
    place = Place(name="cuda:0", slots=slots, memory_bytes=gigabytes * 2**30, device="cuda")
    return SharedDevice(place=place, speeds={1: own, slots: own}, what="made up")


@pytest.mark.parametrize("minutes", [15.0, 60.0])
def test_an_accelerator_is_used_within_the_same_minutes(minutes):
    places = replace(PLACES, devices=(gpu(8.0, 4, 64),))
    seconds, ratio = study_of(minutes, lambda _: 1.0, 0.0, places)
    assert seconds == pytest.approx(60 * minutes, rel=0.15)
    assert ratio >= FINAL_RATIO
    settings = StudySettings(minutes=minutes, design="adaptive")
    cores, both = (
        Clock(settings=settings, recipe=RECIPE, places=each, elapsed=lambda: 25.0).allowance(0.0, None)
        for each in (PLACES, places)
    )
    assert both.target_flops > 5 * cores.target_flops
    assert both.largest_run > 5 * cores.largest_run


def test_the_newest_runs_say_how_fast_the_machine_is():
    machine = Machine(15, lambda share: 1.0 if share < 0.3 else 3.0)
    settings = StudySettings(minutes=15, design="adaptive")
    clock = Clock(settings=settings, recipe=RECIPE, places=PLACES, elapsed=lambda: machine.now)
    spec = RECIPE.spec(RECIPE.architecture(2e4), 4e6)
    for _ in range(20):
        machine.train([spec])
    clock.observe(machine.ended)
    assert machine.now > 800
    assert 2.5 < clock.pace <= 3.0


def test_what_each_step_takes_longer_does_not_lengthen_the_products():
    machine = Machine(15, lambda _: 1.2, more=2e-3)
    clock = Clock(
        settings=StudySettings(minutes=15, design="adaptive"),
        recipe=RECIPE,
        places=PLACES,
        elapsed=lambda: machine.now,
    )
    machine.train([RECIPE.spec(RECIPE.architecture(size), tokens) for size in (5e3, 4e4) for tokens in (1e5, 1e6)])
    clock.observe(machine.ended)
    large = RECIPE.spec(RECIPE.architecture(3e5), 2e7)
    assert clock.places_now.seconds(large) == pytest.approx(1.2 * machine.places.seconds(large), rel=0.04)
    assert clock.pace > 1.06 * clock.places_now.seconds(large) / TYPICAL_SPEED.seconds(large)


@pytest.mark.parametrize("size", [{"minutes": 15}, {"flops": 1e13}])
def test_the_planned_run_is_one_that_the_text_suffices_for(size):
    settings, most = StudySettings(design="adaptive", **size), 2e6
    free, short = (
        Clock(
            settings=settings,
            recipe=RECIPE,
            places=PLACES,
            elapsed=lambda: 25.0,
            most_tokens=tokens,
        )
        for tokens in (1e9, most)
    )
    assert free.limited_by_text() is None
    before, after = short.limited_by_text()
    assert before == free.allowance(0.0, None).target_flops
    shape = RECIPE.architecture(first_guess(RECIPE, after))
    assert after / RECIPE.flops_per_token(shape) == pytest.approx(most, rel=0.05)
    allowed = short.allowance(0.0, None)
    assert allowed.target_flops == after
    assert allowed.largest_run <= after / FINAL_RATIO
    last = SimpleNamespace(params=0.5 * first_guess(RECIPE, 1e12), target_flops=1e12)
    assert short.final_flops(1e10, last) < 0.6 * after, "half the size reads more tokens for the same FLOPs"


def test_a_stated_target_is_no_matter_of_the_text():
    settings = StudySettings(design="adaptive", target_flops=1e15)
    clock = Clock(settings=settings, recipe=RECIPE, places=PLACES, elapsed=lambda: 25.0, most_tokens=1e6)
    assert clock.limited_by_text() is None
    assert clock.allowance(0.0, None).target_flops == 1e15
