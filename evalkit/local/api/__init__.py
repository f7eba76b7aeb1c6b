"""The HTTP interface, one file a resource: each holds its handlers and what they read and write."""
