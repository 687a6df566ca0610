"""The small recipe above a million parameters: published exponents from the measured constants on.

Where the recipe was measured (bench/recipe.py: up to 1e13 FLOPs, 1e5 parameters) its constants hold, and on to
JOINT_PARAMS they are continued. Beyond, a rule of others says how they change, and every one of them equals the
measured one at the joint. A learning-rate check decides on the rate, and may move it.
"""

from __future__ import annotations

from isoflop.laws.hyperparameters import STEP_LAW
from isoflop.units import format_number

JOINT_PARAMS = 1e6
"""Parameters (without embeddings) above which published exponents hold: ten times the largest that were measured."""
RATE_EXPONENT = STEP_LAW.peak_lr.params + STEP_LAW.peak_lr.tokens
"""Of the size, at one ratio of tokens to parameters: Step Law's -.713 + .307 (Li et al. 2025, 2503.04715)."""
WIDTH_OF_SIZE: float = 1 / 3
"""d ln width / d ln N of the recipe's shapes, whose depth grows with their width."""
LARGEST_HEAD = 64
"""Width of a head of GPT-2 and GPT-3 small (Brown et al. 2020, Table 2.1)."""
HEAD_STEP = 8
"""Heads of such widths have fast attention on accelerators."""
EXPLAINED = (
    f"above {format_number(JOINT_PARAMS)} parameters not measured here: the rate falls from there as N^"
    f"{RATE_EXPONENT:.3f}, as Step Law has it at one ratio of tokens to parameters, heads grow to {LARGEST_HEAD} wide, "
    "and a batch is at most Step Law's (Li et al. 2025, 2503.04715), which the rule of the recipe meets at 1.25e8 "
    "tokens; the learning-rate check decides"
)
"""The rule of the joint, for people."""


def beyond_joint(params: float) -> bool:
    """Whether constants of a model of `params` parameters, embeddings aside, rest on published exponents."""
    return params > JOINT_PARAMS


def rate_factor(params: float, width_exponent: float) -> float:
    """Factor on the small recipe's peak rate, which falls with `width_exponent` of the width: 1 up to the joint.

    >>> round(rate_factor(1e8, 0.6), 3), rate_factor(1e5, 0.6)
    (0.387, 1.0)
    """
    if not beyond_joint(params):
        return 1.0
    # along the recipe's shapes the rate as a whole falls as N^RATE_EXPONENT; of any shape it is continuous
    return float((params / JOINT_PARAMS) ** (RATE_EXPONENT + width_exponent * WIDTH_OF_SIZE))


def largest_batch(tokens: float) -> float:
    """Tokens a step by Step Law, which the measured rule does not exceed: the two meet at 1.25e8 training tokens.

    >>> round(largest_batch(1e9))
    79878
    """
    return STEP_LAW.batch_tokens(1.0, tokens)


def head_target(params: float, head_dim: int) -> int:
    """Width of a head that is aimed at: `head_dim` up to the joint, then as many heads, until they are LARGEST_HEAD
    wide; beyond the joint a multiple of HEAD_STEP.

    >>> [head_target(params, 16) for params in (1e6, 1e7, 1e8)]
    [16, 32, 64]
    """
    if not beyond_joint(params) or head_dim >= LARGEST_HEAD:
        return head_dim
    wider = head_dim * (params / JOINT_PARAMS) ** WIDTH_OF_SIZE
    steps: int = round(wider / HEAD_STEP)
    return max(head_dim, min(LARGEST_HEAD, HEAD_STEP * steps))
