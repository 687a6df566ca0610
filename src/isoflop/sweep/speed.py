"""What an optimiser step takes on one worker, by the shape and the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from isoflop.arch import flops_per_token
from isoflop.spec import RunSpec


@dataclass(frozen=True, kw_only=True)
class Speed:
    """What an optimiser step takes on one worker with all workers busy: a constant (Python, the optimiser), a part for
    every value of the residual stream (norms, positions, activations), and a part for every FLOP of the matrices.

    Fitted to the 36 runs of a default study, the three reproduce their times within 7 % (root mean square); FLOPs
    alone are off by up to a factor of two, since a wide model on a small batch and a narrow one on a large batch ask
    for the same FLOPs.
    """

    step_seconds: float
    seconds_per_value: float
    """Per token, layer and unit of width."""
    seconds_per_flop: float
    eval_share: float
    """Time of a token in validation over its time in training, the constant aside."""

    @classmethod
    def fitted(cls, steps: Sequence[tuple[RunSpec, float]], eval_share: float) -> Speed:
        """Least squares of the relative error over measured (spec, seconds of a step), no part below 0."""
        seconds = np.array([measured for _, measured in steps])
        parts = np.array([_parts(spec) for spec, _ in steps]) / seconds[:, None]
        best: tuple[float, list[float]] = (math.inf, [0.0, 0.0, 0.0])
        for used in ([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]):
            solution = np.linalg.lstsq(parts[:, used], np.ones(len(steps)), rcond=None)[0]
            error = float(((parts[:, used] @ solution - 1) ** 2).sum())
            if (solution >= 0).all() and error < best[0]:
                coefficients = np.zeros(3)
                coefficients[used] = solution
                best = (error, coefficients.tolist())
        step, value, flop = best[1]
        return cls(step_seconds=step, seconds_per_value=value, seconds_per_flop=flop, eval_share=eval_share)

    def slower(self, factor: float, step_seconds: float) -> Speed:
        """The speed whose times are `factor` times as long, with so many seconds more in each step."""
        return replace(
            self,
            step_seconds=factor * self.step_seconds + step_seconds,
            seconds_per_value=factor * self.seconds_per_value,
            seconds_per_flop=factor * self.seconds_per_flop,
        )

    def step(self, spec: RunSpec) -> float:
        """Expected seconds of one optimiser step."""
        one, values, flops = _parts(spec)
        return one * self.step_seconds + values * self.seconds_per_value + flops * self.seconds_per_flop

    def seconds(self, spec: RunSpec, domains: int = 2) -> float:
        """Expected seconds of one run on one worker: the steps that it takes itself, and the evaluation of `domains`
        validation sets."""
        per_token = (self.step(spec) - self.step_seconds) / (spec.sequences * spec.seq_len)
        own = spec.spent_tokens // spec.batch_tokens
        return own * self.step(spec) + domains * spec.eval_tokens * self.eval_share * per_token


def _parts(spec: RunSpec) -> tuple[float, float, float]:
    """(1, values of the residual stream, FLOPs) of one optimiser step, without masked tokens, which cost no time."""
    shape, tokens = spec.architecture, spec.sequences * spec.seq_len
    return 1.0, float(tokens * shape.n_layers * shape.d_model), flops_per_token(shape, spec.seq_len) * tokens
