"""What becomes of a chunk whose worker died: tried again, split to isolate the culprit, or given up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from curvefit.study.spec import RunSpec
from runners.engine.chunk import Chunk

MAX_DEATHS = 2
"""Deaths in a row that one run may cause."""


def after_death(
    chunk: Chunk, done: Collection[str], *, again: bool = True
) -> tuple[list[Chunk], RunSpec | None]:
    """Return the chunks to try next, and the run to give up, if any.

    A worker that finished at least one run before it died did not die of the first one, so the count of
    deaths begins anew. A chunk that kills its worker `MAX_DEATHS` times in a row is halved, until the
    run that does it stands alone and is given up; all others are done.

    Parameters
    ----------
    chunk
        As the worker got it.
    done
        Ids of runs known to be in the store.
    again
        False when trying the same again is pointless (time-out, memory limit).
    """
    left = chunk.without(done)
    if not left.specs:
        return [], None
    deaths = 1 if len(left.specs) < len(chunk.specs) else chunk.deaths + 1
    if again and deaths < MAX_DEATHS:
        return [replace(left, deaths=deaths)], None
    if len(left.specs) == 1:
        return [], left.specs[0]
    middle = len(left.specs) // 2
    parts = (left.specs[:middle], left.specs[middle:])
    share = left.cost / len(left.specs)
    return [replace(left, specs=p, cost=share * len(p), deaths=MAX_DEATHS - 1) for p in parts], None
