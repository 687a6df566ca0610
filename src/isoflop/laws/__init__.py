"""Scaling laws as values: loss surfaces and compute-optimal frontiers, published or fitted."""

from isoflop.laws.chinchilla import ChinchillaLaw, gadre_law
from isoflop.laws.cost import SIX_N, ComputeCost
from isoflop.laws.coupled import CoupledLaw, kaplan_law
from isoflop.laws.frontier import FrontierLaw
from isoflop.laws.law import Law, Provenance
from isoflop.laws.log_quadratic import LogQuadraticLaw
from isoflop.laws.published import PublishedLaw, published_forms, published_law, published_names
from isoflop.laws.repeated import RepeatedLaw, repeated_loss
from isoflop.laws.tradeoffs import (
    LifetimeOptimum,
    compute_for_loss,
    compute_for_params,
    lifetime_optimum,
    wasted_by_size,
    wasted_compute,
)

__all__ = [
    "SIX_N",
    "ChinchillaLaw",
    "ComputeCost",
    "CoupledLaw",
    "FrontierLaw",
    "Law",
    "LifetimeOptimum",
    "LogQuadraticLaw",
    "Provenance",
    "PublishedLaw",
    "RepeatedLaw",
    "compute_for_loss",
    "compute_for_params",
    "gadre_law",
    "kaplan_law",
    "lifetime_optimum",
    "published_forms",
    "published_law",
    "published_names",
    "repeated_loss",
    "wasted_by_size",
    "wasted_compute",
]
