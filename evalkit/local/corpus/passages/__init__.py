"""Questions over a few retrieved passages: the fact from the right one, its source, or that none tells."""
