"""Configurations of other tools as flat settings: `{"optim": {"lr": 0.1}}` is `optim.lr`."""

from __future__ import annotations

from collections.abc import Mapping

from isoflop.logs.run import Setting

_MOST = 2000
"""Settings of a run that are kept; a configuration with more holds tables."""
_MOST_TEXT = 500


def flat_settings(values: Mapping[str, object], prefix: str = "") -> dict[str, Setting]:
    """Returns the text, numbers, truth values and nulls in nested objects, by dotted name; lists as their text."""
    flat: dict[str, Setting] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat.update(flat_settings(value, f"{name}."))
        elif value is None or isinstance(value, bool):
            flat[name] = value
        elif isinstance(value, int | float):
            flat[name] = float(value)
        elif isinstance(value, str | list):
            flat[name] = str(value)[:_MOST_TEXT]
        if len(flat) > _MOST:
            break
    return flat


def setting_in(text: str) -> Setting:
    """Returns the setting that a log or a plain file writes: a number, a truth value, nothing, or its text.

    >>> setting_in("3e-4"), setting_in("True"), setting_in("null"), setting_in("'adamw'")
    (0.0003, True, None, 'adamw')
    """
    stripped = text.strip()
    if stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    if stripped.lower() in ("none", "null", "~", ""):
        return None
    try:
        return float(stripped)
    except ValueError:
        pass
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "'\"":
        stripped = stripped[1:-1]
    return stripped[:_MOST_TEXT]
