"""A judge held against labelled answers: put to it as in a run, measured, and kept beside the rubric."""
