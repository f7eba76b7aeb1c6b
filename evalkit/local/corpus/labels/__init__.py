"""Short texts, and the one label that an instruction wants for each."""
