"""Tiles of a Gram matrix: their order, their progress, and their copies on disk."""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from curvefit.errors import InvalidInputError
from curvefit.records.files import replace_file

TRANSPOSED_ROWS = 32
"""Rows transposed at once: what they touch on both sides stays in the cache."""

LINE_EVERY = 10.0
"""Seconds between two lines where there is no terminal."""

Progress = Callable[["TileProgress"], None]


@dataclass(frozen=True, slots=True)
class Tile:
    """Rows and columns of one tile; `mirrored` tiles also fill their transpose."""

    row: int
    row_end: int
    column: int
    column_end: int
    mirrored: bool

    @property
    def rows(self) -> slice:
        """The tile's rows."""
        return slice(self.row, self.row_end)

    @property
    def columns(self) -> slice:
        """The tile's columns."""
        return slice(self.column, self.column_end)

    @property
    def on_diagonal(self) -> bool:
        """Whether the tile is a Gram matrix of its own."""
        return self.mirrored and self.row == self.column

    @property
    def pairs(self) -> int:
        """Number of pairs to be computed."""
        side = self.row_end - self.row
        return side * (side + 1) // 2 if self.on_diagonal else side * (self.column_end - self.column)


@dataclass(frozen=True, slots=True)
class TileProgress:
    """How far a Gram matrix is: pairs done and in all, seconds spent and left."""

    done: int
    total: int
    seconds: float
    seconds_left: float

    def __str__(self) -> str:
        share = 100 * self.done / self.total
        return f"{share:5.1f} % of {self.total:,} pairs, {self.seconds:.0f} s, {self.seconds_left:.0f} s left"


def list_tiles(n_rows: int, n_columns: int, *, edge: int, symmetric: bool) -> list[Tile]:
    """Return the tiles that cover a Gram matrix; of a symmetric one, those with row <= column.

    Parameters
    ----------
    n_rows, n_columns
        Shape of the matrix.
    edge
        Largest height and width of a tile.
    symmetric
        Whether the matrix is that of one set of images with itself.
    """
    return [
        Tile(i, min(i + edge, n_rows), j, min(j + edge, n_columns), symmetric)
        for i in range(0, n_rows, edge)
        for j in range(i if symmetric else 0, n_columns, edge)
    ]


@contextmanager
def printed_progress() -> Iterator[Progress]:
    """Give a function that shows progress on standard error: a bar on a terminal, a line now and then elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _LineWriter()
        return
    columns = (TextColumn("kernel"), BarColumn(), TextColumn("{task.fields[said]}"))
    with Bar(*columns, console=console, auto_refresh=False) as bar:
        task = bar.add_task("", said="")

        def show(progress: TileProgress) -> None:
            bar.update(task, total=progress.total, completed=progress.done, said=str(progress), refresh=True)

        yield show


class _LineWriter:
    """Writes a line when there is something new to say, and enough time has passed."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, progress: TileProgress) -> None:
        if progress.done == progress.total or time.monotonic() - self._last >= LINE_EVERY:
            self._last = time.monotonic()
            print(f"kernel: {progress}", file=sys.stderr, flush=True)


class Stopwatch:
    """Counts finished pairs and reports them at most once a second, and at the end."""

    def __init__(self, total: int, report: Progress | None) -> None:
        self._total = total
        self._report = report
        self._done = 0
        self._fresh = 0
        self._start = self._last = time.monotonic()

    def add(self, pairs: int, *, computed: bool = True) -> None:
        """Count `pairs` as done; those read from disk do not enter the rate."""
        self._done += pairs
        self._fresh += pairs if computed else 0
        now = time.monotonic()
        if self._report is None or (now - self._last < 1.0 and self._done < self._total):
            return
        self._last = now
        seconds = now - self._start
        left = (self._total - self._done) * seconds / self._fresh if self._fresh else 0.0
        self._report(TileProgress(self._done, self._total, seconds, left))


class TileFolder:
    """Finished tiles on disk, so that an interrupted Gram matrix resumes.

    A folder serves one matrix: its ``gram.json`` holds the kernel's plan and a digest of the images. Names of
    tiles hold rows and columns, so tiles of several sizes live side by side. Files are written beside their
    place and moved there, so a killed run leaves no half file. Where they cannot be written (a full disk), this is
    said once, and the matrix is computed without keeping more of it.

    Parameters
    ----------
    path
        The folder.
    content
        What tells this matrix from others.
    renew
        Whether tiles of another matrix are thrown away; else they are refused.

    Raises
    ------
    InvalidInputError
        When the folder holds tiles of another matrix that are not to be thrown away.
    """

    def __init__(self, path: str | Path, content: dict[str, Any], *, renew: bool = False) -> None:
        self.path = Path(path)
        self._keeps = True
        manifest = self.path / "gram.json"
        text = json.dumps(content, sort_keys=True).encode()
        known = manifest.read_bytes() if manifest.exists() else text
        if known != text and not renew:
            raise InvalidInputError(
                f"{self.path} holds tiles of another Gram matrix (see {manifest}); give an empty folder"
            )
        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            if known != text:
                for file in self.path.glob("tile-*.npy"):
                    file.unlink(missing_ok=True)
            if known != text or not manifest.exists():
                replace_file(manifest, text)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Give up keeping tiles, and say so, when what is done within cannot be written."""
        try:
            yield
        except OSError as error:
            if self._keeps:  # said by whichever thread comes first
                self._keeps = False
                warnings.warn(f"tiles are not kept in {self.path}: {error}", stacklevel=1)

    def _file(self, tile: Tile) -> Path:
        return self.path / f"tile-{tile.row}-{tile.row_end}-{tile.column}-{tile.column_end}.npy"

    def read(self, tile: Tile) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the tile's (nngp, ntk), or None when it is not there, or is damaged: it is computed then."""
        if not self._keeps:  # what lies there may be of another matrix
            return None
        try:
            values = np.load(self._file(tile), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        if values.shape != (2, tile.row_end - tile.row, tile.column_end - tile.column):
            return None
        return values[0], values[1]

    def write(self, tile: Tile, nngp: np.ndarray, ntk: np.ndarray) -> None:
        """Keep a finished tile."""
        if not self._keeps:
            return
        file = self._file(tile)
        draft = file.with_suffix(f".{secrets.token_hex(6)}.draft")  # two drivers may be at one matrix
        with self._writing():
            try:
                with draft.open("wb") as stream:
                    np.save(stream, np.stack([nngp, ntk]))
                draft.replace(file)
            finally:
                draft.unlink(missing_ok=True)


def digest(*arrays: np.ndarray | None) -> str:
    """Return a content digest of arrays, for telling whose tiles a folder holds."""
    state = hashlib.blake2b(digest_size=16)
    for array in arrays:
        if array is None:
            state.update(b"none")
        else:
            state.update(f"{array.dtype}{array.shape}".encode())
            state.update(np.ascontiguousarray(array).data)
    return state.hexdigest()


def place(matrix: np.ndarray, tile: Tile, values: np.ndarray) -> None:
    """Write a tile into the matrix, and its transpose where the tile is mirrored."""
    matrix[tile.rows, tile.columns] = values
    if tile.mirrored and not tile.on_diagonal:
        for start in range(0, len(values), TRANSPOSED_ROWS):
            strip = values[start : start + TRANSPOSED_ROWS]
            matrix[tile.columns, tile.row + start : tile.row + start + len(strip)] = strip.T


def spread(tiles: list[Tile]) -> Iterator[Tile]:
    """Yield tiles with the largest first, which keeps workers equally busy at the end."""
    yield from sorted(tiles, key=lambda tile: -tile.pairs)
