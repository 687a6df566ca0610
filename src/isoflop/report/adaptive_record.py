"""What an adaptive sweep decided, as pages and answers show it."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.sweep.adaptive import Decision


@dataclass(frozen=True, kw_only=True)
class AdaptiveRecord:
    """What an adaptive sweep decided so far."""

    decisions: tuple[Decision, ...]
    """In their order; the last one has a reason to stop once the sweep has ended."""
    one_more: Decision | None
    """What one more batch would be, whatever ended the sweep; None before its end."""
    sweep_flops: float
    """FLOPs of the runs that were decided on, learning-rate check included."""
    target_flops: float
    """FLOPs of the planned run: as set at the end, else as last expected; `matmul` convention."""

    @property
    def last(self) -> Decision | None:
        """The newest decision."""
        return self.decisions[-1] if self.decisions else None

    @property
    def waste(self) -> float | None:
        """Share of the planned run that the forms of the sweep expect to be wasted; None before the first decision.

        Once the sweep has ended it is that of the budget which was set then: further away than the one of the last
        decision, where runs end late, and then more.
        """
        newest = self.last if self.one_more is None else self.one_more
        return None if newest is None else newest.waste_before
