"""Records -> SHIP, DON'T SHIP or INCONCLUSIVE, with the evidence."""

from evalkit.gate.model import SPOKEN, Decision, Decisions, Endpoint, Floor, Word

__all__ = ["SPOKEN", "Decision", "Decisions", "Endpoint", "Floor", "Word"]
