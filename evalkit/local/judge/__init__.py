"""The embedded judge: the base model with an adapter that reads an answer and says how sarcastic it is.

Its training texts are `corpus.grading`'s, from wordings of their own: no suite lends it a line.
"""
