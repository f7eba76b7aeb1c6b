"""A run, written down: for the terminal, as Markdown, as CSV, as JSON. Each is a file here, loaded by those
that need it: a recording needs the heading alone."""
