"""Headlines and notes, and what they say: as JSON, as lines, as one value; names copied and told apart."""
