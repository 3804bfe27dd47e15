"""Training of stacks of nets: many models of one plan, each with its own data, seed and batches."""
