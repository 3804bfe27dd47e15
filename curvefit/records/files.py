"""Files that are there whole and for good, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from pathlib import Path

from curvefit.errors import StoreError


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path` so that it is there whole and durable, or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        sync_folder(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def sync_folder(folder: Path) -> None:
    """Make new names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cannot_write(path: Path, error: OSError) -> StoreError:
    """Build the error for a file of a store that cannot be written: the reason in plain words."""
    reason = {
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EACCES: "the folder may not be written",
        errno.EROFS: "the file system is read-only",
        errno.ENOENT: "the folder is missing",
    }.get(error.errno or 0, error.strerror or str(error))
    return StoreError(f"cannot write {path}: {reason}; records written before are intact")
