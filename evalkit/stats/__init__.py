"""Intervals, tests and plans: pure functions on counts, each with its source.

What needs numpy or scipy is in a file that is imported by name, by those who need it.
"""

from evalkit.stats.agreement import Kappa, kappa
from evalkit.stats.paired import Pairs, pairs_of, score_z, tango
from evalkit.stats.rate import Interval, Rate, wilson

__all__ = ["Interval", "Kappa", "Pairs", "Rate", "kappa", "pairs_of", "score_z", "tango", "wilson"]
