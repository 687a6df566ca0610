"""The final loss of a run under way, by each method and by all together."""

from __future__ import annotations

from collections.abc import Sequence

from isoflop.watch.combination import Combined, combine
from isoflop.watch.curve import Curve
from isoflop.watch.errors import past_errors
from isoflop.watch.method import Method, estimate_by


def forecast_end(seen: Curve, like: Sequence[Curve], methods: Sequence[Method], level: float) -> Combined | None:
    """The final loss of `seen`, a curve up to now, from finished curves; None where no method says anything yet.

    Each method is weighted by its errors on the finished runs, had they been watched at the same share.
    """
    estimates = {method.name: found for method in methods if (found := estimate_by(method, seen, like)) is not None}
    if not estimates:
        return None
    share = float(seen.share[-1])
    past = {method.name: past_errors(method, seen, like, share) for method in methods if method.name in estimates}
    return combine(estimates, past, level)
