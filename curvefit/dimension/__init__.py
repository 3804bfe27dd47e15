"""Dimension."""
