"""Numbers to text, figures and one HTML file."""

from isoflop.report.html import page_html, write_page
from isoflop.report.pages import fit_page, papers_page, study_page
from isoflop.report.record import StudyRecord
from isoflop.report.text import fit_text, plain_text, study_text, warnings_text

__all__ = [
    "StudyRecord",
    "fit_page",
    "fit_text",
    "page_html",
    "papers_page",
    "plain_text",
    "study_page",
    "study_text",
    "warnings_text",
    "write_page",
]
