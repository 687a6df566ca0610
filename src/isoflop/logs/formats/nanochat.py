"""nanochat: `step 00050/21400 (0.23%) | loss: 5.123456 | lrm: 1.00 | ...` and `Step 00250 | Validation bpb: 1.0234`.

Written against scripts/base_train.py of karpathy/nanochat, 2025-10 to 2026-03. Its evaluations are in bits per byte;
its training loss, in nats per token and smoothed, is therefore not read.
"""

from __future__ import annotations

import re

from isoflop.logs.formats.text_lines import COUNT, NUMBER, Dialect, Event, Fact, Point, number

_TRAINED = re.compile(rf"\bstep (\d+)/(\d+) \([\d.]+%\) \| loss: ({NUMBER}) \|(.*)")
_EVALUATED = re.compile(rf"\bStep (\d+) \| Validation bpb: ({NUMBER})(?:\s|$)")
_MINUTES = re.compile(rf"\btotal time: ({NUMBER})m\b")
_BATCH = re.compile(rf"Total batch size ({COUNT}) =>")
_PARAMETERS = re.compile(rf"Number of parameters: ({COUNT})")


def _read_line(line: str) -> Event | None:
    if found := _EVALUATED.search(line):
        return Point(step=number(found[1]), values={"val/bpb": number(found[2])})
    if found := _TRAINED.search(line):
        values = {"train/loss": number(found[3])}
        if minutes := _MINUTES.search(found[4]):  # of the steps, without evaluations
            values["train_time"] = number(minutes[1]) * 60
        return Point(step=number(found[1]), values=values, planned_steps=number(found[2]))
    if found := _BATCH.search(line):
        return Fact(settings={"tokens_per_step": number(found[1])})
    if found := _PARAMETERS.search(line):
        return Fact(settings={"number_of_parameters": number(found[1])})
    return None


FORMAT = Dialect(name="nanochat", words="a log of nanochat", mark="tep ", reader=lambda: _read_line).format
