"""One self-contained HTML file of a template: autoescaped, closed to other scripts and to every request."""

from __future__ import annotations

import functools
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from isoflop.report.dark_colours import dark

if TYPE_CHECKING:
    from jinja2 import Environment

_NUMBERS_APART = re.compile(r"(\([^\s()]+) to ([^\s()]+\))")


@dataclass(frozen=True, kw_only=True)
class Document:
    """What surrounds the body of a page: its names, styles, scripts and data."""

    title: str
    description: str
    """In a sentence; what a link to the page shows."""
    styles: tuple[str, ...]
    """CSS."""
    scripts: tuple[str, ...] = ()
    """JavaScript that runs after everything is there, an element each, in order."""
    data: Mapping[str, object] = field(default_factory=dict)
    """{id: what JSON can hold}: what the scripts read from the element of that id."""


def render(template: str, document: Document, **values: object) -> str:
    """The whole file of `template`, a path within isoflop/report/ that extends `templates/base.html`.

    Everything in `values` is text and escaped. Raises ValueError where a script would end its own element.
    """
    from markupsafe import Markup

    theme = resource("scripts/theme.js")  # before anything is shown
    scripts = [theme, *document.scripts]
    if any("</script" in script.lower() for script in scripts):
        raise ValueError("expected scripts without </script: it ends the element that they stand in")
    own = {
        "document": document,
        "policy": Markup(_policy(scripts)),  # noqa: S704 - digests and our own words
        "styles": [Markup(style) for style in document.styles],  # noqa: S704 - files of the package
        "theme": Markup(theme),  # noqa: S704 - a file of the package
        "scripts": [Markup(script) for script in document.scripts],  # noqa: S704 - files of the package
        "data": {name: Markup(script_json(value)) for name, value in document.data.items()},  # noqa: S704 - escaped
    }
    return _environment().get_template(template).render({**values, **own})


def resource(name: str) -> str:
    """The text of a file within isoflop/report/."""
    return files("isoflop.report").joinpath(name).read_text(encoding="utf-8")


def page_styles() -> tuple[str, ...]:
    """The CSS of every page: type, cards, figures and tables in both colour schemes, and on paper."""
    return tuple(resource(f"styles/{name}.css") for name in ("page", "figures", "tables", "paper"))


def script_json(value: object) -> str:
    """JSON that cannot end the script element that it stands in. Raises ValueError for a number that is not finite.

    >>> script_json({"a": "</script>"})
    '{"a":"\\\\u003c/script\\\\u003e"}'
    """
    text = json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def tied(value: object) -> object:
    """Text in which a number and its per cent sign, and an interval in brackets, stay on one line; else the value.

    >>> tied("5 % (1 to 2)") == "5\\u00a0% (1\\u00a0to\\u00a02)"
    True
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return _NUMBERS_APART.sub("\\1\u00a0to\u00a0\\2", value).replace(" %", "\u00a0%")


def _policy(scripts: list[str]) -> str:
    """Nothing may be fetched, and no other script runs, whatever a title or a run's message contains."""
    digests = (b64encode(sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


@functools.cache
def _environment() -> Environment:
    """Templates by their path within isoflop/report/; a name that is not given is an error and not an empty text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("isoflop.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=tied,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["dark"] = dark
    return environment
