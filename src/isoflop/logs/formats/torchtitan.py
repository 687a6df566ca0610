"""torchtitan: `step: 10  loss:  8.1204  grad_norm: ...  memory: ...  tps: ...  mfu: ...` and `validate step: ...`.

Written against components/metrics.py of torchtitan 0.3.0, and logs of pytorch/torchtitan since 2024.
"""

from __future__ import annotations

import re

from isoflop.logs.formats.text_lines import COUNT, NUMBER, TOTAL, Dialect, Event, Fact, Point, number

_POINT = re.compile(rf"(\bvalidate )?\bstep:\s*({COUNT})\s+loss:\s*({NUMBER})\s+(?:grad_norm|memory|iter|tps|wps)\b")
_START = re.compile(rf"Training starts at step ({COUNT})")
_PLAN = re.compile(
    rf"global batch size ({COUNT}),(?: gradient accumulation steps {COUNT},)?(?: sequence length ({COUNT}),)?"
    rf" total steps ({COUNT})"
)
"""On the line of the start until 2025, and on one of its own, `Trainer is initialized with ...`, since."""
_SIZE = re.compile(rf"\b[Mm]odel \S+(?: \S+)? size: ({COUNT}) total parameters")


def _read_line(line: str) -> Event | None:
    if found := _POINT.search(line):
        return Point(step=number(found[2]), values={"val/loss" if found[1] else "train/loss": number(found[3])})
    if found := _SIZE.search(line):
        return Fact(settings={TOTAL: number(found[1])})
    if found := _PLAN.search(line):
        return _plan(found, line)
    if found := _START.search(line):
        return Fact(resumed=number(found[1]) > 1)
    return Fact(ended=True) if line.rstrip().endswith("Training completed") else None


def _plan(found: re.Match[str], line: str) -> Fact:
    """What the batch, the length of a sequence and the number of steps say; the batch counts sequences of all ranks."""
    batch, length, planned = (number(text) if text else None for text in found.groups())
    tokens = batch * length if batch is not None and length is not None else None
    stated = {"global_batch_size": batch, "seq_len": length, "tokens_per_step": tokens}
    start = _START.search(line)
    return Fact(
        settings={name: value for name, value in stated.items() if value is not None},
        planned_steps=planned,
        resumed=start is not None and number(start[1]) > 1,
    )


FORMAT = Dialect(
    name="torchtitan",
    words="a log of torchtitan",
    mark="loss:",
    reader=lambda: _read_line,
).format
