"""The view of the papers reproduced: their sections, and the fit of Figure 4's points where these are given."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from isoflop import __version__
from isoflop.fit import fit_all
from isoflop.paper import all_sections
from isoflop.paper.refit import read_points
from isoflop.report.fitted import SCHEMA, fit_view

TITLE = "Chinchilla, reproduced"

_DRAWS = 1000
"""Resamples of the fit that is drawn; the section of Figure 4 has 4,000."""


def paper_view(points: Path | None = None) -> dict[str, Any]:
    """The view of `isoflop report --paper`: `sections`, and what `fit_view` says of the 240 points where there are any.

    `kind` is `paper`; `sections` {name: Section} are values and not JSON, as this view is drawn and never written.
    Raises InputError for a file that is not Figure 4's points.
    """
    sections = {one.name: one for one in all_sections(points)}
    fitted = {} if points is None else fit_view(fit_all(read_points(points)[0], draws=_DRAWS), TITLE)
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"isoflop": __version__, "python": platform.python_version(), "numpy": np.__version__},
        **fitted,
        "title": TITLE,
        "kind": "paper",
        "sections": sections,
    }
