"""nanoGPT: `step 250: train loss 3.2136, val loss 3.2441` and `iter 10: loss 3.3, time 120.00ms, mfu 30.00%`.

Written against train.py and model.py of karpathy/nanoGPT, and logs of scripts that print the same lines.
"""

from __future__ import annotations

import re

from isoflop.logs.formats.gathered import Gathered
from isoflop.logs.formats.text_lines import COUNT, NUMBER, TOTAL, Dialect, Event, Fact, Point, number
from isoflop.logs.run import Setting
from isoflop.logs.settings import setting_in

_EVALUATED = re.compile(rf"\bstep (\d+): train loss ({NUMBER}),? val(?:idation)? loss ({NUMBER})(?:,|\s|$)")
_TRAINED = re.compile(rf"\biter (\d+): loss ({NUMBER}), (?:time|lr|dt)\b")
_STEP_TIME = re.compile(rf"\b(?:time|dt):? ({NUMBER}) ?(ms|s)\b")
"""Of this one iteration; where it evaluates, the evaluation is in it."""
_TOKENS = re.compile(rf"tokens per iteration will be: ({COUNT})")
_COUNTED = re.compile(rf"num (non-)?decayed parameter tensors: \d+, with ({COUNT}) parameters")
_ROUNDED = re.compile(rf"(?:number of parameters: )?({NUMBER}) ?M(?: parameters)?")
_SETTING = re.compile(r"(?:Overriding: )?([a-z_]\w*) = ([^=#]{1,200}?)\s*(?:#.*)?")
_PLANNED = "max_iters"
_ABOUT = "number_of_parameters"
"""As printed, to four digits or so, and without the table of positions."""
_TRAINING, _ESTIMATED = "train/loss", "estimated"


class _Lines:
    """The reader of lines, which adds up the two counts of parameters."""

    def __init__(self) -> None:
        self.decayed = 0.0

    def __call__(self, line: str) -> Event | None:
        if found := _EVALUATED.search(line):
            return Point(step=float(found[1]), values={"val/loss": number(found[3]), _ESTIMATED: number(found[2])})
        if found := _TRAINED.search(line):
            time = _STEP_TIME.search(line)
            seconds = None if time is None else number(time[1]) / (1000 if time[2] == "ms" else 1)
            return Point(step=float(found[1]), values={_TRAINING: number(found[2])}, step_seconds=seconds)
        if found := _TOKENS.search(line):
            return Fact(settings={"tokens_per_iteration": number(found[1])})
        if found := _COUNTED.search(line):
            return self._count(number(found[2]), rest=bool(found[1]))
        if found := _ROUNDED.fullmatch(line.strip()):
            return Fact(settings={_ABOUT: number(found[1]) * 1e6})
        if "Resuming training from" in line:
            return Fact(resumed=True)
        if found := _SETTING.fullmatch(line.strip()):
            value = setting_in(found[2])
            planned = value if found[1] == _PLANNED and isinstance(value, float) and value > 0 else None
            return Fact(settings={found[1]: value}, planned_steps=planned)
        return None

    def _count(self, count: float, *, rest: bool) -> Fact | None:
        """The sum of matrices, which weight decay takes, and of the rest, which is printed after them: all of them."""
        if not rest:
            self.decayed = count
            return None
        return Fact(settings={TOTAL: self.decayed + count}) if self.decayed else None


def _finish(gathered: Gathered, settings: dict[str, Setting]) -> None:
    """Keeps the exact count of parameters, and the training loss of every iteration, where a script prints them.

    Otherwise the rounded count, and the mean over batches that each evaluation prints.
    """
    if TOTAL in settings:
        settings.pop(_ABOUT, None)
    rows, values = gathered.rows.pop(_ESTIMATED, []), gathered.values.pop(_ESTIMATED, [])
    if rows and _TRAINING not in gathered.rows:
        gathered.rows[_TRAINING], gathered.values[_TRAINING] = rows, values


FORMAT = Dialect(
    name="nanogpt", words="a log of nanoGPT", mark=" loss ", reader=_Lines, finish=_finish, samples_steps=True
).format
