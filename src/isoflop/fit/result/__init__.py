"""What fits are, as values: the law of an approach with its evidence, or why it was refused."""

from typing import TYPE_CHECKING

from isoflop.lazy_names import names_of

if TYPE_CHECKING:
    from isoflop.fit.result.approach import (
        APPROACHES,
        CONSTANTS,
        Approach,
        FittedLaw,
        Frontier,
        finite_or_none,
        fitted_provenance,
        not_finite,
    )
    from isoflop.fit.result.envelope import CurveEnvelope, Envelope, EnvelopeFile, EnvelopeFit
    from isoflop.fit.result.isoflop import (
        BudgetProfile,
        Curvature,
        DesignBalance,
        IsoflopFile,
        IsoflopFit,
        ProfileCurve,
        ProfileOptimum,
        VertexMethod,
        VertexScatter,
    )
    from isoflop.fit.result.outcomes import AnyFit, Fits, Refused, RefusedFile, or_refused
    from isoflop.fit.result.parametric import (
        Correlation,
        DesignCentre,
        DrawCounts,
        OptimalSize,
        ParametricFile,
        ParametricFit,
        ResamplingMethod,
        ResamplingUnit,
        Starts,
        Term,
        TermsAtCentre,
        Verdict,
    )

__getattr__ = names_of(
    __name__,
    {
        "approach": "APPROACHES CONSTANTS Approach FittedLaw Frontier finite_or_none fitted_provenance not_finite",
        "envelope": "CurveEnvelope Envelope EnvelopeFile EnvelopeFit",
        "isoflop": (
            "BudgetProfile Curvature DesignBalance IsoflopFile IsoflopFit ProfileCurve ProfileOptimum "
            "VertexMethod VertexScatter"
        ),
        "outcomes": "AnyFit Fits Refused RefusedFile or_refused",
        "parametric": (
            "Correlation DesignCentre DrawCounts OptimalSize ParametricFile ParametricFit ResamplingMethod "
            "ResamplingUnit Starts Term TermsAtCentre Verdict"
        ),
    },
)

__all__ = [
    "APPROACHES",
    "CONSTANTS",
    "AnyFit",
    "Approach",
    "BudgetProfile",
    "Correlation",
    "Curvature",
    "CurveEnvelope",
    "DesignBalance",
    "DesignCentre",
    "DrawCounts",
    "Envelope",
    "EnvelopeFile",
    "EnvelopeFit",
    "Fits",
    "FittedLaw",
    "Frontier",
    "IsoflopFile",
    "IsoflopFit",
    "OptimalSize",
    "ParametricFile",
    "ParametricFit",
    "ProfileCurve",
    "ProfileOptimum",
    "Refused",
    "RefusedFile",
    "ResamplingMethod",
    "ResamplingUnit",
    "Starts",
    "Term",
    "TermsAtCentre",
    "Verdict",
    "VertexMethod",
    "VertexScatter",
    "finite_or_none",
    "fitted_provenance",
    "not_finite",
    "or_refused",
]
