"""Answers in many manners, and the grades that the embedded judge is taught to give them."""
