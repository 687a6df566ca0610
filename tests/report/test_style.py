"""Colours can be told apart, on the page and on the dark one, also by the colour-blind."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from isoflop.arrays import Array
from isoflop.report.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, ramp

# Machado, Oliveira and Fernandes 2009, severity 1, in linear sRGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
FIVE = [ramp(i / 4) for i in range(5)]


def linear(colour: str) -> Array:
    """Linear sRGB of #rrggbb."""
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""
    low, high = sorted(float(linear(colour) @ TO_XYZ[1]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def lab(colour: str, sight: str) -> Array:
    """CIELAB of a colour as somebody sees it."""
    x = TO_XYZ @ np.clip(SIGHT[sight] @ linear(colour), 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("background", ["#ffffff", "#14181d"])
def test_every_colour_of_the_ramp_has_contrast_on_both_pages(background: str) -> None:
    assert min(contrast(ramp(i / 50), background) for i in range(51)) >= 3.0 - 0.01


@pytest.mark.parametrize("sight", SIGHT)
def test_five_budgets_can_be_told_apart(sight: str) -> None:
    apart = [float(np.linalg.norm(lab(a, sight) - lab(b, sight))) for a, b in combinations(FIVE, 2)]
    assert min(apart) > 9, "2.3 is just noticeable"


def test_the_ramp_becomes_lighter() -> None:
    lightness = [lab(ramp(i / 20), "normal")[0] for i in range(21)]
    assert np.all(np.diff(lightness) > 0)


def test_categories_are_okabe_and_ito_s() -> None:
    assert (ORANGE, SKY, GREEN, BLUE, VERMILLION, PURPLE) == (
        "#e69f00", "#56b4e9", "#009e73", "#0072b2", "#d55e00", "#cc79a7",
    )  # fmt: skip
