"""Training files: reading them line by line, what is wrong with them, how large they are, what they cost."""
