"""Groups acting on images (R^c)^p, their lattice, and how the symmetries of data and model agree."""

from curvefit.symmetry import orthogonal, permutations, spatial
from curvefit.symmetry.abstract import GROUPS, AbstractGroup
from curvefit.symmetry.elements import AbstractElement, Product, Rotation, SignedPermutation, identity
from curvefit.symmetry.lattice import (
    Alignment,
    alignment,
    chain_group,
    commute,
    get_group,
    is_subgroup,
    preserves,
)
from curvefit.symmetry.spatial import CyclicShifts

__all__ = [
    "GROUPS",
    "AbstractElement",
    "AbstractGroup",
    "Alignment",
    "CyclicShifts",
    "Product",
    "Rotation",
    "SignedPermutation",
    "alignment",
    "chain_group",
    "commute",
    "get_group",
    "identity",
    "is_subgroup",
    "orthogonal",
    "permutations",
    "preserves",
    "spatial",
]
