"""The least size of a study with which an adaptive sweep can begin, for those that are refused."""

from __future__ import annotations

import math

from isoflop.errors import InputError, RefusedError
from isoflop.laws.bisection import bracket
from isoflop.recipe import SmallRecipe
from isoflop.study.clock import Clock
from isoflop.study.settings import StudySettings
from isoflop.sweep.adaptive_runs import RunGrid
from isoflop.sweep.places import TrainingPlaces
from isoflop.units import format_flops, format_number, format_quantity

_OPTIONS = {"minutes": "--minutes", "flops": "--flops", "target_flops": "--for"}
_SPANS = {"minutes": (1.0, 1e4), "flops": (1e8, 1e22), "target_flops": (1e8, 1e22)}
"""{setting: sizes between which the least is looked for}"""
_TOLERANCE = 0.02  # of the logarithm of a size


def can_begin(settings: StudySettings, recipe: SmallRecipe, places: TrainingPlaces, *, most_tokens: float) -> bool:
    """Whether a study of this size has the runs that an adaptive sweep begins with.

    `most_tokens` are those of the longest run that the text allows. Raises InputError where the sizes are beyond the
    widest model that can be built.
    """
    clock = Clock(settings=settings, recipe=recipe, places=places, elapsed=lambda: 0.0, most_tokens=most_tokens)
    largest = clock.allowance(0.0, None).largest_run
    grid = RunGrid(recipe=recipe, places=places, corpus="", seed=0, largest_run=largest, most_tokens=most_tokens)
    try:
        grid.first_design()
    except RefusedError:
        return False
    return True


def too_little(
    settings: StudySettings, recipe: SmallRecipe, places: TrainingPlaces, *, most_tokens: float, where: str = ""
) -> InputError:
    """Returns the refusal of a study in which `can_begin` is false: it names the least size that works `where`."""
    name = next(name for name in _OPTIONS if getattr(settings, name) is not None)
    low, high = _SPANS[name]

    def short(log_size: float) -> bool:
        """Whether a study of this size is too small."""
        tried = settings.model_copy(update={name: math.exp(log_size)})
        try:
            return not can_begin(tried, recipe, places, most_tokens=most_tokens)
        except InputError:
            return False

    found = math.exp(float(bracket(lambda x: short(float(x)), math.log(low), math.log(high), tolerance=_TOLERANCE)[1]))
    problem = f"{_OPTIONS[name]} {_written(name, getattr(settings, name))} is too little for an adaptive sweep{where}"
    if found > 0.98 * high:
        return InputError(
            f"corpus: the text suffices for runs of {format_quantity(most_tokens)} tokens, too few for an adaptive "
            "sweep of any size; give more text, or allow runs to read it more often with --allow-epochs"
        )
    # in whole minutes, or in two digits of FLOPs, both rounded up
    step = 1.0 if name == "minutes" else 10.0 ** (math.floor(math.log10(found)) - 1)
    least = _written(name, step * math.ceil(found / step))
    return InputError(f"{problem}: the least is {_OPTIONS[name]} {least}, with which one can begin")


def _written(name: str, size: float) -> str:
    return format_number(size) if name == "minutes" else format_flops(size)
