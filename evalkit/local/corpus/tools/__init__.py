"""Tools on offer, requests for them or for something else, and the calls or refusals that are due."""
