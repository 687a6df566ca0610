"""Numbers to text, figures and one HTML file."""

from isoflop.report.fitted import fit_view
from isoflop.report.html import report_html, write_report
from isoflop.report.paper import paper_view
from isoflop.report.text import plain_report, text_report, warnings_text
from isoflop.report.view import View

__all__ = [
    "View",
    "fit_view",
    "paper_view",
    "plain_report",
    "report_html",
    "text_report",
    "warnings_text",
    "write_report",
]
