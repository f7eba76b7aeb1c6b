"""report.html: one page that needs nothing but itself, with the verdict, the figures and all cases.

Jinja2 and matplotlib are loaded only where a page is written.
"""

from evalkit.report.html.page import write_html

__all__ = ["write_html"]
