"""Gradient training of stacks of nets: loop, update rules, batches, evaluation, search."""
