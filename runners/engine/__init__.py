"""Engines: what executes the chunks of a study, on one machine or many, and goes on where it was."""
