"""torchtitan: `step: 10  loss:  8.1204  grad_norm: ...  memory: ...  tps: ...  mfu: ...` and `validate step: ...`.

Written against components/metrics.py of torchtitan 0.3.0, and logs of pytorch/torchtitan since 2024.
"""

from __future__ import annotations

import re

from isoflop.logs.formats.text_lines import COUNT, NUMBER, TOTAL, Dialect, Event, Fact, Point, number

_POINT = re.compile(rf"(\bvalidate )?\bstep:\s*({COUNT})\s+loss:\s*({NUMBER})\s+(?:grad_norm|memory|iter|tps|wps)\b")
_START = re.compile(
    rf"Training starts at step ({COUNT})(?:.*?global batch size ({COUNT}))?(?:.*?sequence length ({COUNT}))?"
    rf"(?:.*?total steps ({COUNT}))?"
)
_SIZE = re.compile(rf"\b[Mm]odel \S+(?: \S+)? size: ({COUNT}) total parameters")


def _read_line(line: str) -> Event | None:
    if found := _POINT.search(line):
        return Point(step=number(found[2]), values={"val/loss" if found[1] else "train/loss": number(found[3])})
    if found := _SIZE.search(line):
        return Fact(settings={TOTAL: number(found[1])})
    if found := _START.search(line):
        batch, length, planned = (number(text) if text else None for text in found.groups()[1:])
        tokens = batch * length if batch is not None and length is not None else None
        stated = {"global_batch_size": batch, "seq_len": length, "tokens_per_step": tokens}
        settings = {name: value for name, value in stated.items() if value is not None}
        return Fact(settings=settings, planned_steps=planned, resumed=number(found[1]) > 1)
    return Fact(ended=True) if line.rstrip().endswith("Training completed") else None


FORMAT = Dialect(
    name="torchtitan",
    words="a log of torchtitan",
    mark="loss:",
    reader=lambda: _read_line,
).format
