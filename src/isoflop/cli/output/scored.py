"""A sealed forecast and its score in words."""

from __future__ import annotations

from isoflop.report.formatting import moment
from isoflop.study.seals import Seals

INSIDE = {True: "inside the interval", False: "outside the interval", None: "the forecast had no interval"}
"""{`inside` of a score: its text}"""


def sealed_words(seals: Seals) -> str:
    """When a forecast was sealed, whether before its run, and the digest of the data that it was made from."""
    data = seals.sealed.forecast.observations_digest
    source = f", from data with digest {data[:12]}" if data else ""
    return f"{moment(seals.sealed.sealed)}, {seals.order.words}{source}"
