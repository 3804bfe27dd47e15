"""Chunks: pieces of a study that one worker does in one go, as pure data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from curvefit.study.spec import RunSpec

TARGET_COST = 2e9
"""Floating-point operations up to which small groups are put together: about a second of work."""
LARGEST_MERGE = 64


@dataclass(frozen=True, slots=True)
class Chunk:
    """Runs that are given to one worker together.

    Parameters
    ----------
    id
        Hash of the ids of all runs the chunk was planned with: equal for every driver of the study.
    specs
        The runs that are still to be done.
    cost
        Expected floating-point operations.
    deaths
        How often in a row a worker died of it without finishing a run.
    after
        Date (ns since 1970) of the newest record or withdrawal that the runs already have, 0 without any;
        their new records are dated later.
    """

    id: str
    specs: tuple[RunSpec, ...]
    cost: float = 0.0
    deaths: int = 0
    after: int = 0

    def without(self, done: Collection[str]) -> Chunk:
        """Return the chunk without the runs whose ids are in `done`."""
        left = tuple(spec for spec in self.specs if spec.id not in done)
        return self if len(left) == len(self.specs) else replace(self, specs=left)

    def to_dict(self) -> dict[str, Any]:
        """Return the chunk as JSON-representable values."""
        specs = [spec.to_dict() for spec in self.specs]
        return {"id": self.id, "specs": specs, "cost": self.cost, "deaths": self.deaths, "after": self.after}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Chunk:
        """Build a chunk from `to_dict` output."""
        return cls(**{**values, "specs": tuple(map(RunSpec.from_dict, values["specs"]))})


def plan_chunks(groups: Iterable[Sequence[RunSpec]], cost: Callable[[RunSpec], float]) -> list[Chunk]:
    """Return chunks of whole groups (or of their parts), the dearest first, so that the end of a study is not one long run.

    Parameters
    ----------
    groups
        Runs that share work, as far as that is worth something; none is split here.
    cost
        Expected floating-point operations of a run. Chunks depend on nothing else, so that two drivers of
        one study find the same ones.
    """
    chunks: list[Chunk] = []
    waiting: list[RunSpec] = []
    waiting_cost, waiting_groups = 0.0, 0
    for group in groups:
        group_cost = sum(cost(spec) for spec in group)
        if group_cost >= TARGET_COST:
            chunks.append(_chunk(group, group_cost))
            continue
        waiting += group
        waiting_cost += group_cost
        waiting_groups += 1
        if waiting_cost >= TARGET_COST or waiting_groups >= LARGEST_MERGE:
            chunks.append(_chunk(waiting, waiting_cost))
            waiting, waiting_cost, waiting_groups = [], 0.0, 0
    if waiting:
        chunks.append(_chunk(waiting, waiting_cost))
    return sorted(chunks, key=lambda chunk: -chunk.cost)


def _chunk(specs: Sequence[RunSpec], cost: float) -> Chunk:
    digest = hashlib.blake2b(" ".join(spec.id for spec in specs).encode(), digest_size=8)
    return Chunk(digest.hexdigest(), tuple(specs), cost)
