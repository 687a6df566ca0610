"""llm.c and build-nanogpt: `step    1/19560 | loss 11.009 (+nanz)| norm ...| lr 8.57e-07 | ...` and `val loss 10.99`.

Written against logs of karpathy/llm.c (train_gpt2.cu) and of karpathy/build-nanogpt (train_gpt2.py, 2024-06), which
writes `step     0 | loss: 10.955029 | lr 6.0000e-06 | norm: 15.3 | dt: ...` and `validation loss: 10.9511`.
"""

from __future__ import annotations

import re

from isoflop.logs.formats.text_lines import COUNT, NUMBER, Dialect, Event, Fact, Point, number

_TRAINED = re.compile(rf"^(?:\S+:)?\s*step\s+(\d+)(?:/(\d+))? \| loss:? ({NUMBER})[^|]*\|(.*\blr.*)")
_RATE = re.compile(rf"\blr ({NUMBER})")
_STEP_TIME = re.compile(rf"(?:\bdt: )?({NUMBER}) ?ms\b")
"""Of this one step; in build-nanogpt `dt: 520.1ms`, in llm.c `520.10 ms`."""
_EVALUATED = re.compile(rf"^\s*val(?:idation)? loss:? ({NUMBER})\s*$")
_PARAMETERS = re.compile(rf"\|\s*num_parameters\s*\|\s*({COUNT})\s*\|")
_BATCH = re.compile(rf"\|\s*total_batch_size\s*\|\s*({COUNT})\s*\||total desired batch size: ({COUNT})")


class _Lines:
    """The reader of lines, which remembers how many steps were done: a line of an evaluation does not say."""

    def __init__(self) -> None:
        self.done = 0.0

    def __call__(self, line: str) -> Event | None:
        if found := _TRAINED.search(line):
            planned = number(found[2]) if found[2] else None
            # llm.c counts from 1, and build-nanogpt, which does not print how many there will be, from 0
            step = number(found[1])
            self.done = step if planned is not None else step + 1
            values = {"train/loss": number(found[3])}
            if rate := _RATE.search(found[4]):
                values["lr"] = number(rate[1])
            time = _STEP_TIME.search(found[4])
            seconds = None if time is None else number(time[1]) / 1000
            return Point(step=self.done, values=values, planned_steps=planned, step_seconds=seconds)
        if found := _EVALUATED.search(line):
            return Point(step=self.done, values={"val/loss": number(found[1])})
        if found := _PARAMETERS.search(line):
            return Fact(settings={"num_parameters": number(found[1])})
        if found := _BATCH.search(line):
            return Fact(settings={"tokens_per_step": number(found[1] or found[2])})
        return None


FORMAT = Dialect(
    name="llm_c", words="a log of llm.c or build-nanogpt", mark="| loss", reader=_Lines, samples_steps=True
).format
