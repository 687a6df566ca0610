"""A comparison begun or gone on with: its recipes are kept, and what it trains is fixed before the first run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from isoflop.arrays import Array
from isoflop.codec import from_json, to_json
from isoflop.corpus import check_epochs
from isoflop.digest import read_with_digest, write_with_digest
from isoflop.errors import InputError
from isoflop.files import storing, write_bytes_atomically
from isoflop.laws.bisection import bracket
from isoflop.regular_files import make_folder, read_through_links
from isoflop.study.pairs.design import DEFAULT_PAIRS, PairCell, PairDesign, cells_of_budget, cells_of_study
from isoflop.study.pairs.folder import ComparisonFolder
from isoflop.study.pairs.side import TrainedSide
from isoflop.study.training_stages import Study
from isoflop.sweep import Speed, sweep_cost
from isoflop.sweep.designs import LR_FACTORS, MIN_STEPS
from isoflop.sweep.study_design import SPEED_MARGIN
from isoflop.units import format_duration, format_number

SCHEMA = 1
DEFAULT_MINUTES = 15.0
"""Of a comparison without a sweep, whose minutes decide how large its runs are."""
OVERHEAD_SECONDS = 45.0
"""What a comparison takes besides its training: text, measuring the machine, the start of the trainers, the answer."""
LOWEST, HIGHEST = 1e9, 1e18
"""FLOPs between which the cheapest cell is looked for."""


def check_kept(kept: Path, given: Path) -> None:
    """Raises InputError where the comparison that keeps its recipe at `kept` was begun with another than `given`."""
    if kept.exists() and read_through_links(kept) != read_through_links(given):
        raise InputError(
            f"{given}: not the recipe that the comparison in {kept.parent} was begun with; go on with that one, or "
            "begin another with --name"
        )


def keep(folder: ComparisonFolder, design: PairDesign, recipes: Mapping[Path, Path]) -> None:
    """Keeps the recipes, {where: the file that was given}, and the design, from which the comparison can be resumed."""
    with storing(folder.path):
        make_folder(folder.path)
    for kept, given in recipes.items():
        if not kept.exists():
            write_bytes_atomically(kept, read_through_links(given))
    value = to_json(design)
    assert isinstance(value, dict)
    write_with_digest(folder.design, {"schema": SCHEMA, **value})


def begun_design(
    study: Study,
    folder: ComparisonFolder,
    sides: tuple[TrainedSide, TrainedSide],
    speed: Speed,
    *,
    pairs: int | None,
    minutes: float | None,
    level: float,
) -> PairDesign:
    """The design of the comparison in `folder`, made unless it exists; `pairs` raises its number of pairs.

    Raises InputError for fewer pairs than were trained for, another level, and minutes in which no comparison fits.
    """
    if folder.design.exists():
        value = read_with_digest(folder.design)
        design = from_json(PairDesign, value, f"{folder.design}: not as isoflop writes it; begin another with --name")
        if level != design.level:
            raise InputError(f"{folder.path}: begun at level {design.level}; another level needs another --name")
        if pairs is None or pairs == design.most:
            return design
        if pairs < design.most:
            raise InputError(f"--pairs {pairs}: the comparison was begun with {design.most}; give as many or more")
        return replace(design, most=pairs, begun_with=(*design.begun_with, design.most))
    step = max(1, study.workers // 2)
    most = pairs or DEFAULT_PAIRS
    draft = PairDesign(
        cells=(PairCell(params=1.0, flops=1.0),), seed=study.settings.seed, most=most, level=level, step=step
    )
    if study.folder.sweep.exists():
        cells = cells_of_study(study.folder, sides[0].recipe, sides[1].recipe)
    else:
        cells = _cells_in(60 * (minutes or DEFAULT_MINUTES), draft, sides, speed, study.workers)
    return replace(draft, cells=cells if most > 1 else cells[:1])


def _cells_in(
    seconds: float, draft: PairDesign, sides: tuple[TrainedSide, TrainedSide], speed: Speed, workers: int
) -> tuple[PairCell, ...]:
    """The largest cells of which all pairs, and the check of the rates, fit into `seconds`."""

    def takes(flops: float) -> float:
        """Seconds of the whole comparison with its cheapest cell at `flops`; infinite where runs are too short."""
        design = replace(draft, cells=cells_of_budget(sides[0].recipe, sides[1].recipe, flops))
        specs = [side.check_spec(design, factor) for side in sides for factor in LR_FACTORS]
        specs += [side.pair_spec(design, pair, 1.0) for side in sides for pair in design.order()]
        cost = sweep_cost(specs, speed, workers).seconds * SPEED_MARGIN + OVERHEAD_SECONDS
        return cost if min(spec.steps for spec in specs) >= MIN_STEPS else -math.inf

    low = _largest(takes, seconds)
    if not math.isfinite(takes(low)) or takes(low) > seconds:
        least = _least(takes)
        raise InputError(
            f"--minutes {format_number(seconds / 60)}: too little for {draft.most} pairs; the least here is "
            f"{format_duration(least)}"
        )
    return cells_of_budget(sides[0].recipe, sides[1].recipe, float(f"{low:.3g}"))


def _largest(takes: Callable[[float], float], seconds: float) -> float:
    """The largest FLOPs that take at most `seconds`; too short runs count as taking less."""

    def fits(log_flops: Array) -> bool:
        """Whether runs of exp(log_flops) FLOPs end within `seconds`."""
        try:
            return takes(math.exp(float(log_flops))) <= seconds
        except InputError:  # less than a batch, or beyond the widest model
            return bool(log_flops < math.log(1e12))

    return math.exp(float(bracket(fits, math.log(LOWEST), math.log(HIGHEST), tolerance=1e-4)[0]))


def _least(takes: Callable[[float], float]) -> float:
    """Seconds of the smallest comparison whose runs are long enough."""
    flops = LOWEST
    while flops < HIGHEST:
        try:
            if math.isfinite(cost := takes(flops)):
                return cost
        except InputError:
            pass
        flops *= 1.2
    return math.inf


def check_runs(study: Study, design: PairDesign, sides: tuple[TrainedSide, TrainedSide]) -> None:
    """Warns of runs that repeat the text. Raises InputError where both sides train the same runs, and for more than
    four epochs that were not allowed.
    """
    specs = [[side.pair_spec(design, pair, 1.0) for pair in design.order()] for side in sides]
    if {spec.run_id for spec in specs[0]} & {spec.run_id for spec in specs[1]}:
        raise InputError(
            f"{sides[0].name} and {sides[1].name} train the same runs at the sizes of this comparison; what two seeds "
            f"of one recipe differ by is shown by `isoflop noise {study.folder.path} --pairs 4`"
        )
    for side, of_side in zip(sides, specs, strict=True):
        for notice in check_epochs(
            max(spec.tokens for spec in of_side),
            side.text.train_tokens,
            allow=study.settings.allow_epochs,
            different=side.text.different_share,
        ):
            study.listener.notice(notice)
