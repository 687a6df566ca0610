"""The file around a page: escaped, tied, and closed to everything but its own scripts."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest
from jinja2 import DictLoader, Environment, UndefinedError

from isoflop.report import document
from isoflop.report.document import Document, render
from isoflop.report.html import page_html
from isoflop.report.pages import study_page
from isoflop.report.record import StudyRecord

PLAIN = Document(title="<b>", description='say "so"', styles=("p { color: red }",), scripts=("let a = 1 < 2;",))


@pytest.fixture
def templates() -> Iterator[dict[str, str]]:
    """Templates that a test adds to the package's own."""
    added: dict[str, str] = {}
    environment: Environment = document._environment()
    before = environment.loader
    assert before is not None
    environment.loader = DictLoader(added)
    added["templates/base.html"] = before.get_source(environment, "templates/base.html")[0]
    yield added
    environment.loader = before
    assert environment.cache is not None
    environment.cache.clear()


def test_text_is_escaped_and_styles_and_scripts_are_not(templates: dict[str, str]) -> None:
    templates["one.html"] = (
        '{% extends "templates/base.html" %}{% block body %}<p title="{{ a }}">{{ a }}</p>{% endblock %}'
    )
    page = render("one.html", PLAIN, a='"<i>&')
    assert '<p title="&#34;&lt;i&gt;&amp;">&#34;&lt;i&gt;&amp;</p>' in page
    assert "<title>&lt;b&gt;</title>" in page
    assert '<meta property="og:description" content="say &#34;so&#34;">' in page
    assert "<script>let a = 1 < 2;</script>" in page
    assert "<style>p { color: red }</style>" in page


def test_numbers_stay_with_their_sign_and_intervals_on_one_line(templates: dict[str, str]) -> None:
    templates["one.html"] = '{% extends "templates/base.html" %}{% block body %}<p>{{ a }}</p>{% endblock %}'
    page = render("one.html", PLAIN, a="12 % of 4 (1.5 to 8) and 1 to 2")
    assert "<p>12\u00a0% of 4 (1.5\u00a0to\u00a08) and 1 to 2</p>" in page


def test_a_value_that_is_not_given_is_an_error(templates: dict[str, str]) -> None:
    templates["one.html"] = '{% extends "templates/base.html" %}{% block body %}{{ missing }}{% endblock %}'
    with pytest.raises(UndefinedError, match="missing"):
        render("one.html", PLAIN)


def test_a_script_that_ends_its_element_is_refused() -> None:
    with pytest.raises(ValueError, match="</script"):
        render("templates/base.html", replace(PLAIN, scripts=("'</SCRIPT>'",)))


def test_the_policy_names_the_scripts_of_the_page_and_no_other(study: StudyRecord) -> None:
    page = page_html(study_page(study))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    digests = {"'sha256-" + b64encode(sha256(script.encode()).digest()).decode() + "'" for script in scripts}
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert set(policy[1].partition("script-src ")[2].partition(";")[0].split()) == digests
    assert "unsafe-eval" not in policy[1]
    assert "script-src 'unsafe-inline'" not in policy[1]
