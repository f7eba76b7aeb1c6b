"""A run, written down: for the terminal, as Markdown, as CSV, as JSON."""

from evalkit.report.asked import asked_lines, plan_line
from evalkit.report.load import load_report
from evalkit.report.model import Report
from evalkit.report.terminal import heading, terminal
from evalkit.report.write import write_report

__all__ = ["Report", "asked_lines", "heading", "load_report", "plan_line", "terminal", "write_report"]
