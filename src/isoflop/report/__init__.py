"""Numbers to text, figures and one HTML file: `pages.py`, `text.py` and `html.py` are its doors.

Nothing is imported here: a plan in a terminal needs a few sentences of the report, and not its figures.
"""
