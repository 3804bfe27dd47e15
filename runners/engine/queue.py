"""The chunks an engine has yet to hand out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from runners.engine.chunk import Chunk


class ChunkQueue:
    """Chunks to hand out: those put back after a death first, then the planned ones."""

    def __init__(self, chunks: Iterator[Chunk | None]) -> None:
        self._chunks = chunks
        self._again: deque[Chunk] = deque()
        self._exhausted = False

    @property
    def is_empty(self) -> bool:
        """Whether there will never be another chunk, unless one is put back."""
        return self._exhausted and not self._again

    def put_back(self, chunks: list[Chunk]) -> None:
        """Hand these out again, before any other."""
        self._again.extend(chunks)

    def draw(self) -> Chunk | None:
        """Return a chunk, or None when there is nothing now (see `is_empty` for whether ever)."""
        if self._again:
            return self._again.popleft()
        if self._exhausted:
            return None
        try:
            return next(self._chunks)
        except StopIteration:
            self._exhausted = True
            return None
