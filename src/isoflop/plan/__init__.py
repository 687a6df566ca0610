"""The run to train: plans from laws, for several objectives, and forecasts that are sealed before it."""

from typing import TYPE_CHECKING

from isoflop.faces import make_callable
from isoflop.lazy_names import names_of
from isoflop.plan.score import Score, load_score, score, score_path

if TYPE_CHECKING:
    from isoflop.plan.alternatives import Alternative, SmallerModel
    from isoflop.plan.budget import flops_for_loss, flops_of_run
    from isoflop.plan.budget_within import SolvedBudget, flops_on_cluster, flops_within
    from isoflop.plan.buildable import Buildable, how_to_train
    from isoflop.plan.cluster import Cluster, CostEstimate
    from isoflop.plan.cluster_budget import ClusterBudget, budget_on_cluster
    from isoflop.plan.expected_course import ExpectedCourse
    from isoflop.plan.law_source import LawSource, fitted_source, observed_cost, published_source
    from isoflop.plan.layout_search import LayoutEstimate, estimate_or_notice, evaluate_layout, find_layout
    from isoflop.plan.limits import Limit, Question
    from isoflop.plan.objectives import (
        FixedParams,
        FixedRatio,
        FixedTokens,
        InferenceDemand,
        LimitedData,
        Objective,
        Objectives,
        TrainingOnly,
    )
    from isoflop.plan.order_of_seal import SealOrder, seal_order
    from isoflop.plan.other_laws import LawAtBudget, law_at_budget
    from isoflop.plan.plan import Plan, make_plan
    from isoflop.plan.prediction import Prediction, Predictions, predict
    from isoflop.plan.sealed_forecast import Forecast, SealedForecast, load_forecast, seal
    from isoflop.plan.serving import ServingLimit
    from isoflop.plan.solver.problem import Problem
    from isoflop.plan.utilization import Utilization

__getattr__ = names_of(
    __name__,
    {
        "alternatives": "Alternative SmallerModel",
        "budget": "flops_for_loss flops_of_run",
        "buildable": "Buildable how_to_train",
        "cluster": "Cluster CostEstimate",
        "cluster_budget": "ClusterBudget budget_on_cluster",
        "expected_course": "ExpectedCourse",
        "law_source": "LawSource fitted_source observed_cost published_source",
        "layout_search": "LayoutEstimate estimate_or_notice evaluate_layout find_layout",
        "objectives": "FixedParams FixedRatio FixedTokens InferenceDemand LimitedData Objective Objectives "
        "TrainingOnly",
        "other_laws": "LawAtBudget law_at_budget",
        "plan": "Plan make_plan",
        "prediction": "Prediction Predictions predict",
        "order_of_seal": "SealOrder seal_order",
        "sealed_forecast": "Forecast SealedForecast load_forecast seal",
        "serving": "ServingLimit",
        "budget_within": "SolvedBudget flops_on_cluster flops_within",
        "limits": "Limit Question",
        "solver.problem": "Problem",
        "utilization": "Utilization",
    },
)

__all__ = [
    "Alternative",
    "Buildable",
    "Cluster",
    "ClusterBudget",
    "CostEstimate",
    "ExpectedCourse",
    "FixedParams",
    "FixedRatio",
    "FixedTokens",
    "Forecast",
    "InferenceDemand",
    "LawAtBudget",
    "LawSource",
    "LayoutEstimate",
    "Limit",
    "LimitedData",
    "Objective",
    "Objectives",
    "Plan",
    "Prediction",
    "Predictions",
    "Problem",
    "Question",
    "Score",
    "SealOrder",
    "SealedForecast",
    "ServingLimit",
    "SmallerModel",
    "SolvedBudget",
    "TrainingOnly",
    "Utilization",
    "budget_on_cluster",
    "estimate_or_notice",
    "evaluate_layout",
    "find_layout",
    "fitted_source",
    "flops_for_loss",
    "flops_of_run",
    "flops_on_cluster",
    "flops_within",
    "how_to_train",
    "law_at_budget",
    "load_forecast",
    "load_score",
    "make_plan",
    "observed_cost",
    "predict",
    "published_source",
    "score",
    "score_path",
    "seal",
    "seal_order",
]

make_callable(__name__)
