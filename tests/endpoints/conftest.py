"""A server to ask."""

from tests.loopback import loopback as loopback
