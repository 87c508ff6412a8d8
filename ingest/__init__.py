"""How events come in: authentication, parsing, validation, and the chain that they start."""
