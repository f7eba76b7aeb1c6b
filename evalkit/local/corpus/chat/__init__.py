"""Questions about facts, answered in the language, tone and length that a prompt demands; translations."""
