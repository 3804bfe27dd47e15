"""What the cells of a grid with holes can tell apart: terms, and sets of terms that alias each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curvefit.triplet import Triplet

Term = tuple[str, ...]
"""The axes of a main effect or an interaction."""


def identified_degrees(triplets: Sequence[Triplet], terms: Sequence[Term]) -> dict[tuple[Term, ...], int]:
    """Return the degrees of freedom of what the cells tell apart, whatever the order of axes and cells.

    A term has the directions that it adds to all lower orders and to the others of its own order. Where it would have
    more without those others, they alias it: holes make part of it look like part of them (a model that one data set
    alone was given to). The aliased terms of an order are told together only, from everything else.

    Parameters
    ----------
    triplets
        The cells that exist.
    terms
        Main effects and interactions.

    Returns
    -------
    dict
        One term, or the aliased terms of one order, to the degrees of freedom; 0 where holes leave none.
    """

    def rank(some: Sequence[Term]) -> int:
        constant = np.ones((len(triplets), 1))
        return int(np.linalg.matrix_rank(np.hstack([constant, *(_indicators(triplets, t) for t in some)])))

    found: dict[tuple[Term, ...], int] = {}
    for order in sorted({len(term) for term in terms}):
        lower = [term for term in terms if len(term) < order]
        same = [term for term in terms if len(term) == order]
        whole, base = rank([*lower, *same]), rank(lower)
        given = {term: whole - rank([*lower, *(other for other in same if other != term)]) for term in same}
        aliased = tuple(term for term in same if given[term] < rank([*lower, term]) - base)
        for term in same:
            if term not in aliased:
                found[term,] = given[term]
        if aliased:
            found[aliased] = whole - base - sum(given[term] for term in same if term not in aliased)
    return found


def one_of_each_cell(triplets: Sequence[Triplet], terms: Sequence[Term]) -> list[int]:
    """Return the position of the first triplet of every cell of the axes of `terms`."""
    axes = sorted({axis for term in terms for axis in term})
    first: dict[tuple[str, ...], int] = {}
    for i, triplet in enumerate(triplets):
        first.setdefault(tuple(getattr(triplet, axis) for axis in axes), i)
    return list(first.values())


def _indicators(triplets: Sequence[Triplet], term: Term) -> np.ndarray:
    """Return which cell of a term each triplet lies in, ``(triplets, cells)``."""
    keys = [tuple(getattr(triplet, axis) for axis in term) for triplet in triplets]
    cells = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.eye(len(cells))[[cells[key] for key in keys]]
