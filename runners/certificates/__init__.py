"""Certificates of invariance: which groups leave (M, I) unchanged, found by computation."""

from runners.certificates.certification import INFERENCES, certify, find_chain_group
from runners.certificates.coupling import couple_weights
from runners.certificates.distribution import check_equal_in_distribution, compare_distributions
from runners.certificates.verdict import Certificate, Verdict

__all__ = [
    "INFERENCES",
    "Certificate",
    "Verdict",
    "certify",
    "check_equal_in_distribution",
    "compare_distributions",
    "couple_weights",
    "find_chain_group",
]
