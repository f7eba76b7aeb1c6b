"""The shipped suites' training examples and cases: `python -m evalkit.local.shipped suites` writes them.

Development only, like the corpus from which they are drawn.
"""
