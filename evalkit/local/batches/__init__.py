"""Batches: the requests of a file, answered in the background by the handlers that answer anybody's."""
