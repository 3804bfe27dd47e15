"""The evidence: what each reference study in data/ says about the claims it was made for.

``python -m tests.evidence rotations --write`` fits the records in data/rotations and writes their summary tables, figures and
the page docs/evidence/rotations.md. A claim is computed from the records; nothing is typed in.
"""
