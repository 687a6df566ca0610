"""Small made-up runs whose final losses are known: a law of size and length, and courses that are alike by share."""

import math

import numpy as np

from isoflop.logs import LoggedRun, Series
from isoflop.plan import Forecast

TOKENS_A_STEP = 1e5
POINTS = 60


def final_loss(params: float, tokens: float) -> float:
    """A law of the Chinchilla form, in nats per token."""
    return 1.8 + 480 * params**-0.35 + 2080 * tokens**-0.37


def logged_run(
    name: str,
    params: float,
    tokens: float,
    *,
    seed: int = 0,
    noise: float = 0.0,
    until: float = 1.0,
    higher: float = 0.0,
    ended: bool | None = None,
    peak: float = 1e-3,
) -> LoggedRun:
    """A run of `tokens` tokens on a cosine to 0; `higher` is added to ln(loss) from a fifth of the way on."""
    steps = np.unique(np.round(np.linspace(0, 1, POINTS + 1)[1:] * tokens / TOKENS_A_STEP))
    share = steps * TOKENS_A_STEP / tokens
    loss = np.log(final_loss(params, tokens)) + 0.25 * (1 - share) ** 1.5 + 0.9 * np.exp(-share / 0.02)
    loss = loss + higher * (share > 0.2) + noise * np.random.default_rng(seed).standard_normal(len(share))
    seen = share <= until * (1 + 1e-9)
    series = {
        "tokens": steps * TOKENS_A_STEP,
        "rate": peak * 0.5 * (1 + np.cos(math.pi * share)),
        "loss": np.exp(loss),
    }
    found = {key: Series(steps=steps[seen], values=values[seen]) for key, values in series.items()}
    return LoggedRun(
        name=name,
        source=name,
        params=params,
        tokens=found["tokens"],
        learning_rate=found["rate"],
        evaluations={"validation": found["loss"]},
        planned_steps=float(steps[-1]),
        ended=until >= 1 if ended is None else ended,
    )


def ladder(sizes=(1e6, 2e6, 4e6), tokens_per_param: float = 20.0, **options: float) -> list[LoggedRun]:
    """Finished runs of several sizes and one length."""
    return [logged_run(f"{size:.0e}", size, tokens_per_param * size, seed=i, **options) for i, size in enumerate(sizes)]


def forecast_of(params: float, tokens: float, *, half: float = 0.02, off: float = 0.0) -> Forecast:
    """A forecast that is `off` by so much in ln(loss)."""
    loss = final_loss(params, tokens) * math.exp(off)
    return Forecast(
        params=params,
        tokens=tokens,
        flops=6 * params * tokens,
        loss=loss,
        interval=(loss * math.exp(-half), loss * math.exp(half)),
        level=0.9,
        law="fit",
        observations_digest=None,
        params_convention="all",
        flops_convention="6ND",
        loss_unit="nats_per_token",
    )
