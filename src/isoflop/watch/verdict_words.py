"""The verdicts in words, as the terminal and the report say them."""

from __future__ import annotations

_WORDS = {
    "above": "above its band",
    "below": "below its band",
    "off_shape": "off the shape of its family",
    "cannot_tell": "nothing to hold it against",
    "too_early": "too early to tell",
}
"""{verdict: in words}, where they are not its own."""


def verdict_words(verdict: str) -> str:
    """Returns a verdict in words.

    >>> verdict_words("on_course"), verdict_words("above")
    ('on course', 'above its band')
    """
    return _WORDS.get(verdict, verdict.replace("_", " "))


def verdict_sentence(verdict: str) -> str:
    """Returns a verdict as a sentence begins.

    >>> verdict_sentence("on_course"), verdict_sentence("above")
    ('On course', 'Off course, above its band')
    """
    if verdict in ("above", "below", "off_shape"):
        return f"Off course, {verdict_words(verdict)}"
    words = verdict_words(verdict)
    return words[:1].upper() + words[1:]


def is_off_course(verdict: str) -> bool:
    """Returns whether a verdict says that something is wrong with the run; spikes that have come back are not.

    >>> is_off_course("above"), is_off_course("on_course"), is_off_course("spiking")
    (True, False, False)
    """
    return verdict in ("above", "below", "off_shape", "data_repeated", "diverging")
