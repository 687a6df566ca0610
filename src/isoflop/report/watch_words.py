"""A run under way in sentences: the verdict first, then where it stands and where it will end."""

from __future__ import annotations

import math
import re

from isoflop.report.formatting import DASH, in_words, interval_text, share_text, with_interval
from isoflop.units import format_number, format_quantity, percent
from isoflop.watch import Watched
from isoflop.watch.verdict_words import verdict_sentence


def loss_in_words(loss: float) -> str:
    """A loss on its way: four significant digits, as its noise allows.

    >>> loss_in_words(2.9128), loss_in_words(10.0)
    ('2.913', '10.00')
    """
    if not 1e-3 <= loss < 1e4:
        return format_number(loss, 4)
    return f"{loss:.{max(3 - math.floor(math.log10(loss)), 0)}f}"


def headline(found: Watched) -> str:
    """The verdict in a sentence, with the loss and the band that led to it."""
    where = f"at {percent(found.share)} of its schedule {found.name} has a loss of {loss_in_words(found.loss)}"
    if found.final is not None:
        return f"{_ended(found)}."
    if found.expected is None:
        if found.verdict not in ("on_course", "too_early", "cannot_tell"):
            return f"{verdict_sentence(found.verdict)}: {where}. {_reason(found)}"
        if found.predicted_final is None and not found.references:
            return f"Nothing to hold it against: {where}. Name finished smaller runs of its recipe, or its forecast."
        if found.predicted_final is None:
            return f"Too early to tell: {where}."
        return f"No forecast to hold it to: {where}, and will end at {prediction(found)}."
    low, middle, high = found.expected
    band = f"{loss_in_words(middle)} ({loss_in_words(low)} to {loss_in_words(high)})"
    text = f"{verdict_sentence(found.verdict)}: {where}, where {band} was expected."
    return text if found.verdict in ("on_course", "too_early", "cannot_tell") else f"{text} {_reason(found)}"


def _reason(found: Watched) -> str:
    """What the verdict rests on and since when, as a sentence."""
    text = re.sub(r"(?<=\d)%", " %", f"{found.reason[0].upper()}{found.reason[1:]}")
    return f"{text}. This has been the verdict since {percent(found.since)} of the schedule."


def _ended(found: Watched) -> str:
    assert found.final is not None
    text = f"{found.name} has ended, with a loss of {loss_in_words(found.final)}"
    inside = found.inside_forecast_probability
    if inside is None:
        return text
    return f"{text}, {'inside' if inside > 0.5 else 'outside'} the interval of its forecast"  # it is 0 or 1


def prediction(found: Watched) -> str:
    """The predicted final loss with its interval; a dash where nothing is predicted."""
    if found.predicted_final is None:
        return DASH
    return with_interval(found.predicted_final, found.interval, loss_in_words)


def progress(found: Watched) -> str:
    """The share done, with tokens or steps."""
    done = percent(found.share)
    if found.tokens is not None and found.total_tokens is not None:
        return f"{done}: {format_quantity(found.tokens)} of {format_quantity(found.total_tokens)} tokens"
    return f"{done}: {format_number(found.steps, 6)} of {format_number(found.steps / found.share, 6)} steps"


def change_line(found: Watched) -> str:
    """What a run that is followed has come to, on one line."""
    parts = [percent(found.share), f"loss {loss_in_words(found.loss)}"]
    if found.final is not None:
        return ", ".join([percent(found.share), _ended(found)])
    if found.predicted_final is not None:
        parts.append(f"final {prediction(found)}")
    if found.expected is not None or found.verdict not in ("on_course", "too_early"):
        verdict = verdict_sentence(found.verdict)
        parts.append(verdict[:1].lower() + verdict[1:])
    return ", ".join(parts)


def watch_lines(found: Watched) -> tuple[str, str, str]:
    """The verdict; the predicted final loss; the odds and what the run is held against."""
    unit, level = in_words(found.loss_unit), share_text(found.level)
    inside = found.inside_forecast_probability
    odds = "no forecast" if inside is None else f"ends inside its forecast with {percent(inside, 0)}"
    held = f"held against {', '.join(found.references)}" if found.references else "no finished run like it"
    if found.predicted_final is None:
        second = "no final loss is predicted"
    else:
        second = f"final loss {prediction(found)} {unit} with {level}, by {' and '.join(found.methods)}"
    return headline(found), second, f"{odds}; {held}"


def interval_in_words(interval: tuple[float, float] | None) -> str:
    """An interval of losses."""
    return interval_text(interval, loss_in_words)
