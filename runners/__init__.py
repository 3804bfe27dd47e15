"""Runners: raw test error against training-set size for any (data, model, inference) triplet.

Needs torch and numpy, never pymc, arviz or pandas: GPU machines often have none of these.
"""
