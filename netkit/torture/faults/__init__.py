"""The catalogue: each module has the faults of one kind, each a function that does it."""
