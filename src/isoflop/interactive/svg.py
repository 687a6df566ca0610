"""A drawing as one inline SVG: no script, readable in light and dark notebooks."""

from __future__ import annotations

from html import escape

from isoflop.interactive.marks import Colour, Label, Marks, Point, Stroke
from isoflop.report.dark_colours import dark
from isoflop.report.drawing import LegendEntry

WIDTH = 660
"""Pixels; a narrower cell shrinks the whole."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 10, 46
_DASHES = {"dash": "6 4", "dot": "2 3", "dashdot": "7 3 2 3"}
_LINE = 1.25  # times the size of letters
_PATHS = {
    "diamond": "M0 -1.25L1.25 0L0 1.25L-1.25 0Z",
    "square": "M-.9 -.9H.9V.9H-.9Z",
    "star": "M0 -1.3L.37 -.4L1.33 -.4L.55 .2L.84 1.15L0 .57L-.84 1.15L-.55 .2L-1.33 -.4L-.37 -.4Z",
    "triangle-up": "M0 -1.1L1.1 .9H-1.1Z",
    "triangle-down": "M0 1.1L1.1 -.9H-1.1Z",
    "line-ew": "M-1 0H1",
}


def svg_of(marks: Marks, describes: str, height: int) -> str:
    """`marks` as an `<svg>` of WIDTH x `height` pixels; `describes` is what a screen reader says."""
    place = _Place(marks, height)
    body = [*place.axes(), '<g clip-path="inset(0)">']
    body += [place.stroke(one) if isinstance(one, Stroke) else place.point(one) for one in marks.shapes]
    body += ["</g>", *(place.label(one) for one in marks.labels)]
    head = (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(describes)}" style="max-width:100%;height:auto" font-size="12" '
        'font-family="system-ui,sans-serif" fill="currentColor">'
    )
    return f"{head}{''.join(body)}</svg>"


def paint(attribute: str, colour: Colour) -> str:
    """`fill` or `stroke` in `colour`, and on a dark page in what is readable there; an opacity below 1 with it."""
    opacity = "" if colour.alpha == 1 else f' {attribute}-opacity="{colour.alpha:g}"'
    both = f"light-dark({colour.solid},{dark(colour.solid)})"
    return f'{attribute}="{colour.solid}" style="{attribute}:{both}"{opacity}'


def swatch(entry: LegendEntry) -> str:
    """The sign of a line of a legend."""
    colour = Colour.of(entry.colour)
    head = '<svg width="24" height="11" aria-hidden="true">'
    if entry.kind in ("line", "dash", "dot", "dashdot"):
        dash = f' stroke-dasharray="{_DASHES[entry.kind]}"' if entry.kind in _DASHES else ""
        return f'{head}<path d="M0 6H24" stroke-width="2.2"{dash} {paint("stroke", colour)}/></svg>'
    symbol = {"point": "circle", "open": "circle-open"}.get(entry.kind, entry.kind)
    return f"{head}{_symbol(symbol, 12.0, 6.0, 4.0, 1.5, colour)}</svg>"


def _symbol(symbol: str, x: float, y: float, radius: float, edge_width: float, colour: Colour) -> str:
    """A symbol as plotly.js names it, around (x, y)."""
    shape = symbol.removesuffix("-open")
    if shape != symbol or shape == "line-ew":
        look = f'fill="none" stroke-width="{max(edge_width, 1.4):g}" {paint("stroke", colour)}'
    else:
        look = paint("fill", colour)
    if shape not in _PATHS:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" {look}/>'
    at = f"translate({x:.1f} {y:.1f}) scale({radius:g})"
    return f'<path transform="{at}" vector-effect="non-scaling-stroke" d="{_PATHS[shape]}" {look}/>'


class _Place:
    """Where marks lie in pixels."""

    def __init__(self, marks: Marks, height: int) -> None:
        self._x, self._y = marks.x, marks.y
        self._right, self._bottom = WIDTH - _RIGHT, height - _BOTTOM

    def x(self, value: float) -> float:
        """Pixels from the left, cut where the value is far outside."""
        return _LEFT + min(max(self._x.share(value), -1.0), 2.0) * (self._right - _LEFT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return self._bottom - min(max(self._y.share(value), -1.0), 2.0) * (self._bottom - _TOP)

    def axes(self) -> list[str]:
        """Grid, ticks, their texts and the titles."""
        parts = []
        for value, text in self._x.ticks:
            at = self.x(value)
            parts += [_grid(at, _TOP, at, self._bottom), _words(at, self._bottom + 17, "middle", text)]
        for value, text in self._y.ticks:
            at = self.y(value)
            parts += [_grid(_LEFT, at, self._right, at), _words(_LEFT - 7, at + 4, "end", text)]
        middle = (_TOP + self._bottom) / 2
        return [
            *parts,
            f'<path d="M{_LEFT} {_TOP}V{self._bottom}H{self._right}" fill="none" stroke="currentColor" '
            'stroke-opacity=".45"/>',
            _words((_LEFT + self._right) / 2, self._bottom + 37, "middle", self._x.title),
            f'<g transform="translate(14 {middle:g}) rotate(-90)">{_words(0, 0, "middle", self._y.title)}</g>',
        ]

    def stroke(self, one: Stroke) -> str:
        """A line or an area."""
        places = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(one.x, one.y, strict=True))
        inside = 'fill="none"' if one.fill is None else paint("fill", one.fill)
        if one.fill is not None or not one.width:
            return f'<polygon points="{places}" {inside}/>'
        dash = f' stroke-dasharray="{_DASHES[one.dash]}"' if one.dash in _DASHES else ""
        return (
            f'<polyline points="{places}" {inside} stroke-width="{one.width:g}"{dash} {paint("stroke", one.colour)}/>'
        )

    def point(self, one: Point) -> str:
        """A symbol with its whiskers; nothing outside the axes."""
        if not (self._x.holds(one.x) and self._y.holds(one.y)):
            return ""
        x, y = self.x(one.x), self.y(one.y)
        parts = [self._whisker(one, x, y)] if one.whisker is not None else []
        return "".join([*parts, _symbol(one.symbol, x, y, one.size / 2, one.edge_width, one.colour)])

    def _whisker(self, one: Point, x: float, y: float) -> str:
        path = ""
        if one.x_ends is not None:
            low, high = (self.x(end) for end in one.x_ends)
            path += f"M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 4:.1f}v8M{high:.1f} {y - 4:.1f}v8"
        if one.y_ends is not None:
            low, high = (self.y(end) for end in one.y_ends)
            path += f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8"
        colour = one.whisker or one.colour
        return f'<path d="{path}" fill="none" stroke-width="1.5" {paint("stroke", colour)}/>' if path else ""

    def label(self, one: Label) -> str:
        """Words, line below line."""
        anchor = {"left": "start", "right": "end"}.get(one.across, "middle")
        x, y = self.x(one.x) + one.shift[0], self.y(one.y) - one.shift[1]
        tall = _LINE * one.size * len(one.lines)
        top = {"top": y, "bottom": y - tall}.get(one.along, y - tall / 2)
        weight = ' font-weight="bold"' if one.bold else ""
        return "".join(
            f'<text x="{x:.1f}" y="{top + _LINE * one.size * (i + 0.8):.1f}" text-anchor="{anchor}" '
            f'font-size="{one.size:g}"{weight} {paint("fill", one.colour)}>{escape(words)}</text>'
            for i, words in enumerate(one.lines)
        )


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="currentColor" stroke-opacity=".12"/>'


def _words(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
