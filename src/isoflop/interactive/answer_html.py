"""What a notebook shows of an answer: its lines, its warnings and one figure, without a script."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from isoflop.errors import Notice
from isoflop.interactive.compare import RecipeComparison
from isoflop.interactive.fit import Fit
from isoflop.interactive.marks import marks_of
from isoflop.interactive.svg import svg_of, swatch
from isoflop.interactive.watch import RunUnderWay
from isoflop.plan import Plan, Prediction
from isoflop.plan.three_lines import plan_lines, prediction_lines
from isoflop.report.drawing import Drawing
from isoflop.report.panels.expected_profile import draw_expected_profile, expected_profile

_HEIGHT = 300  # of the figure, at most: an answer and its figure fit on a laptop's screen
# Light, but where the notebook itself is dark: JupyterLab, VS Code, Colab, and pages of Sphinx.
_STYLE = (
    ".isoflop-answer{color-scheme:light;max-width:680px;line-height:1.45}"
    ".isoflop-answer p{margin:.15em 0}.isoflop-answer li{margin:.1em 0}"
    ".isoflop-legend{display:flex;flex-wrap:wrap;gap:.1em 1.2em;margin:.5em 0 .2em;font-size:12px}"
    ".isoflop-legend svg{vertical-align:-1px;margin-right:.4em}"
    '[data-jp-theme-light="false"] .isoflop-answer,.vscode-dark .isoflop-answer,.vscode-high-contrast .isoflop-answer,'
    'html[theme="dark"] .isoflop-answer,html[data-theme="dark"] .isoflop-answer{color-scheme:dark}'
)


def answer_html(answer: Fit | Plan | Prediction | RecipeComparison | RunUnderWay) -> str:
    """The HTML of `answer`: its three lines, its warnings folded away, and its figure where there is one."""
    match answer:
        case Plan():
            return _html(plan_lines(answer), answer.notices, _profile(answer))
        case Prediction():
            return _html(prediction_lines(answer), answer.notices, _profile(answer))
    return _html(answer.lines(), answer.notices, answer.first_drawing())


def _profile(answer: Plan | Prediction) -> Drawing | None:
    values = expected_profile(answer)
    return None if values is None else draw_expected_profile(values)


def _html(lines: Iterable[str], notices: Iterable[Notice], drawing: Drawing | None) -> str:
    heading, *others = (escape(line).replace(" %", "&nbsp;%") for line in lines)
    body = [f"<p><strong>{heading}</strong></p>", *(f"<p>{line}</p>" for line in others)]
    warnings = [f"<li>{escape(one.message)} <code>{escape(one.code)}</code></li>" for one in notices]
    if warnings:
        count = f"{len(warnings)} warning{'s' if len(warnings) > 1 else ''}"
        body.append(f"<details><summary>{count}</summary><ul>{''.join(warnings)}</ul></details>")
    marks = None if drawing is None else marks_of(drawing)
    if drawing is not None and marks is not None:
        entries = "".join(f"<span>{swatch(entry)}{escape(entry.label)}</span>" for entry in drawing.legend)
        body += [f'<div class="isoflop-legend">{entries}</div>', svg_of(marks, drawing.describes, _HEIGHT)]
    return f'<div class="isoflop-answer"><style>{_STYLE}</style>{"".join(body)}</div>'
