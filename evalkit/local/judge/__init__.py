"""The embedded judge: the base model with an adapter that reads an answer and says how sarcastic it is.

Its training texts are put together here, from wordings of their own (`wordings/`): no suite lends it a line.
"""
