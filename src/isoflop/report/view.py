"""Reading the plain `view` that a report is drawn from: one place that knows its keys.

A view is a dict of JSON values with the keys that are read here. Every part of it may be None or missing: a study
that is half done, or a fit file alone, has a report too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

View = Mapping[str, Any]

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the view, with N counted by the view's convention."""

    run_id: str
    purposes: tuple[str, ...]
    """Why it was trained: isoflop, learning_rate_check, planned, larger, replicate."""
    status: str
    """done, failed, running or waiting."""
    reason: str
    """Code of a failure, empty otherwise."""
    params: float | None
    """N in the view's parameter convention."""
    params_total: float | None
    """All parameters."""
    d_model: int | None
    n_layers: int | None
    tokens: float | None
    budget_flops: float | None
    """The compute that the design asked for."""
    flops: float | None
    """The compute that was spent, in the view's FLOPs convention."""
    peak_lr: float | None
    batch_tokens: float | None
    seed: int | None
    loss: float | None
    """Validation loss at the end, in the view's loss unit."""
    loss_se: float | None
    """Standard error of `loss` over validation sequences."""
    bits_per_byte: float | None
    wall_seconds: float | None
    attempts: int | None
    epochs: float | None

    @property
    def flops_per_token(self) -> float | None:
        """FLOPs spent for one token."""
        return self.flops / self.tokens if self.flops and self.tokens else None


def conventions(view: View) -> dict[str, str]:
    """{params, flops, loss_unit} in words; "not stated" where the view is silent."""
    given, seen = section(view, "conventions"), section(view, "fit").get("observations") or {}
    return {
        "params": in_words(given.get("params") or seen.get("params_convention")),
        "flops": in_words(given.get("flops") or seen.get("flops_convention")),
        "loss_unit": in_words(given.get("loss_unit") or seen.get("loss_unit")),
    }


def is_fit(view: View) -> bool:
    """Whether the view is made from a table of runs, and not of a study: of a fit alone, or of the papers."""
    return view.get("kind") == "fit" or is_paper(view)


def is_paper(view: View) -> bool:
    """Whether the view is of the papers reproduced."""
    return view.get("kind") == "paper"


def in_words(code: str | None) -> str:
    """A code of a record as words: `nats_per_token` -> "nats per token"."""
    names = {"non_embedding": "non-embedding", "six_n": "6N", "six_n_non_embedding": "6N (non-embedding)"}
    return names.get(code, code.replace("_", " ")) if code else "not stated"


def section(view: View, name: str) -> dict[str, Any]:
    """The dict under `name`, or an empty one where the view has None."""
    return view.get(name) or {}


def plan_of(view: View) -> dict[str, Any]:
    """The plan, where it has a size, tokens and FLOPs; else an empty dict."""
    found = section(view, "plan")
    return found if all(found.get(name) for name in ("params", "tokens", "flops")) else {}


def pair(interval: Any) -> Interval | None:
    """[low, high] as a tuple; None where the interval, or one end of it, is not known."""
    if not interval or None in interval:
        return None
    return float(interval[0]), float(interval[1])


def approach(view: View, name: str) -> dict[str, Any]:
    """The fit by one approach (parametric, isoflop, envelope) where its status is ok; else an empty dict."""
    found = section(view, "fit").get(name) or {}
    whole = name != "parametric" or all(found.get(letter) is not None for letter in ("E", "A", "B", "alpha", "beta"))
    return found if found.get("status", "ok") == "ok" and whole else {}


def all_runs(view: View) -> tuple[Run, ...]:
    """Every run of the view, in its order."""
    convention = section(view, "conventions").get("params") or "non_embedding"
    return tuple(_run(entry, convention) for entry in view.get("runs") or ())


def fitted_rows(view: View) -> Sequence[Mapping[str, Any]]:
    """{row, run_id, params, tokens, flops, loss} of the rows that the fit used; no loss where rows are optima.

    The parametric fit's residuals, or where it was refused the rows alone.
    """
    return approach(view, "parametric").get("residuals") or section(view, "fit").get("rows") or ()


def _fitted_runs(view: View) -> tuple[Run, ...]:
    """The rows that the fit used, as runs: all that a fit file alone knows of them."""
    return tuple(
        _run({**row, "status": "done", "purposes": ["isoflop"], "val_loss_nats": row["loss"]}, "fitted")
        for row in fitted_rows(view)
    )


def done_runs(view: View, purpose: str | None = None) -> tuple[Run, ...]:
    """Finished runs that have N, tokens, FLOPs and a loss; with `purpose`, those trained for it.

    Without any run in the view, the rows of its fit.
    """
    return tuple(
        run
        for run in all_runs(view) or _fitted_runs(view)
        if run.status == "done"
        and run.params and run.tokens and run.flops and run.loss and math.isfinite(run.loss)
        and (purpose is None or purpose in run.purposes)
    )  # fmt: skip


def _run(entry: Mapping[str, Any], convention: str) -> Run:
    params = entry.get("params") or {}
    if not isinstance(params, Mapping):
        params = {convention: params, "total": None}
    return Run(
        run_id=str(entry.get("run_id", "")),
        purposes=tuple(entry.get("purposes") or ()),
        status=str(entry.get("status", "")),
        reason=str(entry.get("reason") or ""),
        params=params.get(convention),
        params_total=params.get("total"),
        d_model=entry.get("d_model"),
        n_layers=entry.get("n_layers"),
        tokens=entry.get("tokens"),
        budget_flops=entry.get("budget_flops"),
        flops=entry.get("flops"),
        peak_lr=entry.get("peak_lr"),
        batch_tokens=entry.get("batch_tokens"),
        seed=entry.get("seed"),
        loss=entry.get("val_loss_nats"),
        loss_se=entry.get("val_loss_se"),
        bits_per_byte=entry.get("bits_per_byte"),
        wall_seconds=entry.get("wall_seconds"),
        attempts=entry.get("attempts"),
        epochs=entry.get("epochs"),
    )
