"""The manifest: which Parquet files a store has sealed, their digests, and what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from curvefit.errors import StoreError
from curvefit.records.files import replace_file
from curvefit.settings import Settings

STORE_VERSION = 1
REPAIR = "bring back a copy, or go on without it: curvefit verify DIR --repair"


class DamagedManifestError(StoreError):
    """A manifest that cannot be trusted."""


class SealedSegment(Settings):
    """A segment whose records are in a sealed part: name, size in bytes, SHA-256."""

    name: str
    size: int
    sha256: str


class SealedPart(Settings):
    """A Parquet file of records: name, SHA-256, number of rows, and the segments it replaces."""

    name: str
    sha256: str
    rows: int
    segments: tuple[SealedSegment, ...] = ()


class Withdrawal(Settings):
    """A tombstone: the records of `run_id` written up to `at` (ns since 1970) no longer count."""

    run_id: str
    at: int
    reason: str = ""


class Manifest(Settings):
    """What a store says about itself."""

    format: str = "curvefit-records"
    store_version: int = STORE_VERSION
    parts: tuple[SealedPart, ...] = ()
    withdrawn: tuple[Withdrawal, ...] = ()

    def unsealed(self, segments: Iterable[Path]) -> list[Path]:
        """Return those of `segments` that hold something no sealed part has.

        A segment is only ever added to, so one that is longer than what was sealed of it counts: merging brings
        it when the writer went on after a copy of it was sealed.

        Raises
        ------
        FileNotFoundError
            When one of which a part was sealed is gone.
        """
        sizes: dict[str, int] = {}
        for sealed in (segment for part in self.parts for segment in part.segments):
            sizes[sealed.name] = max(sealed.size, sizes.get(sealed.name, 0))
        return [path for path in segments if path.name not in sizes or path.stat().st_size > sizes[path.name]]


def newest_withdrawals(withdrawals: Iterable[Withdrawal]) -> tuple[Withdrawal, ...]:
    """Return one withdrawal a run, the newest, in the order of their dates."""
    return tuple({w.run_id: w for w in sorted(withdrawals, key=lambda w: w.at)}.values())


def read_manifest(path: Path) -> Manifest:
    """Return the manifest at `path`; an absent one is empty.

    Raises
    ------
    StoreError
        When it is damaged, or written by a newer version of the package.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Manifest()
    except UnicodeDecodeError as error:
        raise DamagedManifestError(f"manifest {path} is damaged: {error}; {REPAIR}") from error
    except OSError as error:
        raise StoreError(f"manifest {path} cannot be read: {error}") from error
    try:
        values = json.loads(text)
        digest = values.pop("sha256", None)
        if values.get("store_version", 0) > STORE_VERSION:
            raise StoreError(
                f"{path} is of store version {values['store_version']}, newer than this curvefit knows ({STORE_VERSION})"
            )
        manifest = Manifest(**values)
    except (ValueError, AttributeError, TypeError, ValidationError) as error:
        raise DamagedManifestError(f"manifest {path} is damaged: {error}; {REPAIR}") from error
    if digest != _digest_of(values):
        raise DamagedManifestError(f"manifest {path} is damaged: its SHA-256 does not match; {REPAIR}")
    return manifest


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Replace the manifest in one step: a reader sees the old one or the new one."""
    values = manifest.model_dump(mode="json")
    replace_file(path, json.dumps({**values, "sha256": _digest_of(values)}, indent=1).encode())


def _digest_of(values: dict) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
