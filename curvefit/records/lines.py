"""The line format of a segment: JSON with its own checksum, so that no flipped bit passes unseen.

A line is ``{"crc32":"0a1b2c3d","body":{...}}`` and a newline. The checksum covers the bytes of the body; everything
around it is fixed, so every byte of the line is checked, and the file still is plain JSON lines.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_HEAD, _MIDDLE, _TAIL = b'{"crc32":"', b'","body":', b"}"
_BODY = len(_HEAD) + 8 + len(_MIDDLE)


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that cannot be trusted.

    Parameters
    ----------
    line
        Number of the line in its file, from 1.
    reason
        What is wrong with it.
    recoverable
        The body, where it still reads as JSON although the line does not check.
    unfinished
        Whether it is the last line of the file, cut off: a writer that was killed or is still writing.
    """

    line: int
    reason: str
    recoverable: dict[str, Any] | None = None
    unfinished: bool = False


def encode_line(body: dict[str, Any]) -> bytes:
    """Return `body` as one line, newline included.

    NaN and infinities, unknown to JSON, become null; halves of surrogate pairs (file names that are no UTF-8
    leave them in messages), unknown to UTF-8, become question marks.
    """
    try:
        text = _dump(body, allow_nan=False)
    except ValueError:
        text = _dump(_finite(json.loads(_dump(body, allow_nan=True))), allow_nan=False)
    content = text.encode("utf-8", "replace")
    return b"".join((_HEAD, b"%08x" % zlib.crc32(content), _MIDDLE, content, _TAIL, b"\n"))


def _dump(body: Any, *, allow_nan: bool) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=allow_nan, default=_plain)


def decode_lines(
    content: bytes, *, first_line: int = 1, wanted: Callable[[str], bool] | None = None
) -> Iterator[dict[str, Any] | Damage]:
    """Yield the body, or the `Damage`, of each line of `content`.

    Parameters
    ----------
    content
        Lines, the last perhaps cut off.
    first_line
        Number of the first one.
    wanted
        Whether lines of the run with this id are asked for; others are passed over without being decoded, which is a
        hundred times as fast.
    """
    if not content:
        return
    lines = content.split(b"\n")
    last = lines.pop()
    for number, line in enumerate(lines, first_line):
        if wanted is None or (run_id := _run_id(line)) is None or wanted(run_id):
            yield _decode(line, number)
    if last:
        number = first_line + len(lines)
        body = _decode(last, number)
        recoverable = body.recoverable if isinstance(body, Damage) else body
        yield Damage(number, "the last line is cut off", recoverable, unfinished=True)


def _plain(value: Any) -> Any:
    """Return a numpy scalar or array as plain Python, which is all that an algorithm's report may hold besides."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"a record cannot hold {value!r}; give numbers, text, lists and dictionaries")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _decode(line: bytes, number: int) -> dict[str, Any] | Damage:
    body = line[_BODY:-1]
    framed = line.startswith(_HEAD) and line.endswith(_TAIL) and line[len(_HEAD) + 8 : _BODY] == _MIDDLE
    if framed and line[len(_HEAD) : len(_HEAD) + 8] == b"%08x" % zlib.crc32(body):
        return json.loads(body)
    reason = "the checksum does not match" if framed else "the frame of the line is broken"
    return Damage(number, reason, _read_leniently(body))


def _run_id(line: bytes) -> str | None:
    """Return the id of the run that a line is of, as written there; None where it is of none, or not plain."""
    _, named, rest = line.partition(b'"run_id":"')
    run_id, ended, _ = rest.partition(b'"')
    return None if not named or not ended or b"\\" in run_id else run_id.decode(errors="replace")


def _read_leniently(body: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(body)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None
