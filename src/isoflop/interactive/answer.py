"""What the answers of `isoflop.fit`, `compare`, `watch` and `ledger` share: three lines, figures by name, HTML."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

from isoflop.errors import InputError
from isoflop.faces import face
from isoflop.interactive.figures import FIRST, PlotlyFigure, drawing_named, page_drawings, plotly_figure
from isoflop.interactive.marks import marks_of
from isoflop.interactive.matplotlib_axes import Axes, draw_on, new_axes
from isoflop.report.drawing import Drawing
from isoflop.report.panel import Page


class Answer(ABC):
    """An answer in three lines, as a notebook shows it."""

    @abstractmethod
    def lines(self) -> tuple[str, str, str]:
        """The answer, what it rests on, and how far it can be trusted: what `repr` prints."""

    @abstractmethod
    def first_drawing(self) -> Drawing | None:
        """The picture that a notebook shows; None where there is none."""

    def __repr__(self) -> str:
        return "\n  ".join(self.lines())

    def _repr_html_(self) -> str:
        return str(face("answer_html")(self))


class AnswerWithFigures(Answer):
    """An answer with a page, whose figures are drawn by name."""

    @abstractmethod
    def _page(self) -> Page: ...

    @cached_property
    def _drawings(self) -> dict[str, Drawing]:
        return page_drawings(self._page())

    def _drawing(self, name: str) -> Drawing:
        return drawing_named(self._drawings, name)

    def figure(self, name: str = FIRST) -> PlotlyFigure:
        """A figure of the page by name, as a Figure of plotly: that which the page begins with unless another is named.

        Raises InputError for another name, with those that there are, and where plotly is not installed.
        """
        return plotly_figure(self._drawing(name))

    def plot(self, ax: Axes | None = None, name: str = FIRST) -> Axes:
        """Draws the figure `name` on `ax`, axes of matplotlib, or on those of a new figure; returns the axes.

        Raises InputError as `figure` does, for contours, which plotly alone draws, and where matplotlib is missing.
        """
        drawing = self._drawing(name)
        marks = marks_of(drawing)
        if marks is None:
            raise InputError(f"plot: {name} has contours, which plotly draws: figure({name!r})")
        axes = new_axes(drawing.height) if ax is None else ax
        draw_on(axes, marks, drawing.legend)
        return axes

    def first_drawing(self) -> Drawing | None:
        """The picture that the page begins with; without one the first figure; None where there is none."""
        return next((one for one in self._drawings.values() if marks_of(one) is not None), None)
