"""The adaptive sweep: which runs come next, what they are expected to gain, and when it is enough."""

from isoflop.sweep.adaptive.candidate import Candidate, CandidateKind
from isoflop.sweep.adaptive.decision import ChosenRun, Decision, NoiseFloor, StopReason
from isoflop.sweep.adaptive.evidence import Evidence
from isoflop.sweep.adaptive.first_runs import first_runs
from isoflop.sweep.adaptive.limits import Limits
from isoflop.sweep.adaptive.policy import next_batch
from isoflop.sweep.adaptive.price import SweepPrice, price_of_sweep

__all__ = [
    "Candidate",
    "CandidateKind",
    "ChosenRun",
    "Decision",
    "Evidence",
    "Limits",
    "NoiseFloor",
    "StopReason",
    "SweepPrice",
    "first_runs",
    "next_batch",
    "price_of_sweep",
]
