"""Numbers to text, figures and one HTML file."""

from isoflop.report.html import report_html, write_report
from isoflop.report.text import plain_report, text_report
from isoflop.report.view import View

__all__ = ["View", "plain_report", "report_html", "text_report", "write_report"]
