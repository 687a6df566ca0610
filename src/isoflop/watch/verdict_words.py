"""The verdicts in words, as the terminal and the report say them."""

from __future__ import annotations

_WORDS = {
    "above": "above its band",
    "below": "below its band",
    "off_shape": "off the shape of its family",
    "data_repeated": "its data are repeated",
}


def verdict_words(verdict: str) -> str:
    """Returns a verdict in words.

    >>> verdict_words("on_course"), verdict_words("above")
    ('on course', 'above its band')
    """
    return _WORDS.get(verdict, verdict.replace("_", " "))


def is_off_course(verdict: str) -> bool:
    """Returns whether a verdict says that something is wrong with the run; spikes that have come back are not.

    >>> is_off_course("above"), is_off_course("on_course"), is_off_course("spiking")
    (True, False, False)
    """
    return verdict in ("above", "below", "off_shape", "data_repeated", "diverging")
