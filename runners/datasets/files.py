"""Where files of real datasets come from: a folder, the Debian package, or a checksummed download."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from curvefit.errors import DataFileError, MissingDatasetError, MissingDependencyError

DATA_VARIABLE = "CURVEFIT_DATA"
"""Environment variable: a folder with one sub-folder per dataset, for example ``fashion-mnist``."""
OFFLINE_VARIABLE = "CURVEFIT_OFFLINE"
"""Environment variable: when set to anything but an empty text, nothing is downloaded."""


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one published dataset and where they may be.

    Parameters
    ----------
    name
        Registered name of the dataset; also its folder below `DATA_VARIABLE`.
    title
        Name in tables and facts.
    checksums
        File name -> md5 of the file as published.
    addresses
        Web folders that hold the files, tried in order.
    folders
        Documented system folders (of distribution packages), with how they are called in facts.
    """

    name: str
    title: str
    checksums: Mapping[str, str]
    addresses: Sequence[str] = ()
    folders: Mapping[str, str] = field(default_factory=dict)

    def find(self, folder: str | None = None) -> tuple[Path, str]:
        """Return the folder that holds every file, and what to call the source.

        Parameters
        ----------
        folder
            The only place to look in, when given.

        Raises
        ------
        MissingDatasetError
            When the files are nowhere; the message lists where they were sought.
        """
        if folder is not None:
            places = {Path(folder).expanduser(): f"folder {folder}"}
        else:
            own = os.environ.get(DATA_VARIABLE)
            places = {Path(own).expanduser() / self.name: f"folder {own}/{self.name}"} if own else {}
            places |= {Path(path): called for path, called in self.folders.items()}
        for place, called in places.items():
            if all(_present(place, name) for name in self.checksums):
                return place, f"{self.title} ({called})"
        sought = [str(place) for place in places]
        if folder is None:
            reason = self._download_refused()
            if reason is None:
                return self._download(sought), f"{self.title} (downloaded, md5 checked)"
            sought.append(f"download ({reason})")
        raise MissingDatasetError(
            f"{self.title} was not found; looked for {', '.join(self.checksums)} in: {'; '.join(sought)}. "
            f"Put the files into a folder and give it as the dataset's `folder`, or set {DATA_VARIABLE} to a "
            f"folder with a sub-folder {self.name!r}"
        )

    def _download_refused(self) -> str | None:
        if not self.addresses:
            return "no published address"
        if os.environ.get(OFFLINE_VARIABLE):
            return f"{OFFLINE_VARIABLE} is set"
        return None

    def _download(self, sought: list[str]) -> Path:
        """Download every file into the user's cache, checking md5 sums, and return the folder."""
        try:
            import pooch
        except ImportError as error:
            raise MissingDependencyError(
                f"downloading {self.title} needs pooch: pip install 'curvefit[runners]'"
            ) from error
        cache = Path(pooch.os_cache("curvefit")) / self.name
        pooch.get_logger().setLevel("WARNING")
        fetch = pooch.HTTPDownloader(timeout=20)
        failures: list[str] = []
        for address in self.addresses:
            try:
                for name, checksum in self.checksums.items():
                    pooch.retrieve(
                        f"{address}/{name}", f"md5:{checksum}", fname=name, path=cache, downloader=fetch
                    )
            except (OSError, ValueError) as error:
                # OSError: no network or no such page (requests derives from it); ValueError: wrong md5
                failures.append(f"{address} ({type(error).__name__})")
            else:
                return cache
        raise MissingDatasetError(
            f"{self.title} was not found in {'; '.join([*sought, str(cache)])}, and could not be downloaded "
            f"from {'; '.join(failures)}. Put its files into a folder and give it as the dataset's `folder`"
        )


def _present(folder: Path, name: str) -> bool:
    return (folder / name).is_file() or (name.endswith(".gz") and (folder / name[:-3]).is_file())


def read_bytes(folder: Path, name: str) -> bytes:
    """Return the content of ``folder/name``, unpacked when it ends in ``.gz`` (or stands there unpacked).

    Raises
    ------
    DataFileError
        For a file that is missing, truncated or corrupt; the message names it.
    """
    path = folder / name
    if not path.is_file() and name.endswith(".gz"):
        path = folder / name[:-3]
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataFileError(f"{path} is truncated or corrupt: {error}") from error
    except OSError as error:
        raise DataFileError(f"{path} cannot be read: {error}") from error


def read_idx(folder: Path, name: str, *, dimensions: int) -> np.ndarray:
    """Return the unsigned bytes of an IDX file (the format of MNIST), as an array of `dimensions` axes.

    Raises
    ------
    DataFileError
        When the header is not that of such a file, or its length is not what the header says.

    References
    ----------
    LeCun, Cortes, Burges, "The MNIST database of handwritten digits": the IDX file format.
    """
    content, path = read_bytes(folder, name), folder / name
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataFileError(
            f"{path} is truncated: {len(content)} bytes are less than an IDX header of {start}"
        )
    if content[:4] != bytes([0, 0, 8, dimensions]):
        raise DataFileError(
            f"{path} is not an IDX file of unsigned bytes with {dimensions} axes: "
            f"it begins with {content[:4].hex()}, expected {bytes([0, 0, 8, dimensions]).hex()}"
        )
    shape = tuple(int(side) for side in np.frombuffer(content, ">u4", dimensions, 4))
    expected = start + int(np.prod(shape, dtype=np.int64))
    if len(content) != expected:
        raise DataFileError(
            f"{path} is truncated or corrupt: {len(content)} bytes, but its header {shape} asks for {expected}"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
