"""Names in figures: wrapped to what fits, in fonts that have their letters."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterable
from functools import cache

import matplotlib as mpl

FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans CJK KR",
    "Noto Sans JP",
    "Noto Sans SC",
    "Noto Sans KR",
    "Source Han Sans",
    "WenQuanYi Micro Hei",
    "IPAexGothic",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Noto Emoji",
    "Segoe UI Emoji",
    "Symbola",
)
"""Fonts for letters that the usual ones lack, asked in this order where they are installed."""
BOX = "\N{WHITE SQUARE}"
_PIECE = re.compile(r"-?[\d.]+ \[-?[\d.]+, -?[\d.]+\]\S*|\S+")  # an interval stays with its estimate


def families() -> list[str]:
    """Return the caller's font families, then those of `FALLBACKS` that are installed."""
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    return [*mpl.rcParams["font.family"], *(name for name in FALLBACKS if name in installed)]


@cache
def _known(names: tuple[str, ...]) -> frozenset[int]:
    """Return the letters that fonts of these families have."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    paths = [fontManager.findfont(FontProperties(family=[name])) for name in names]
    return frozenset().union(*(get_font(path).get_charmap() for path in paths))


def lacking(text: str) -> set[str]:
    """Return the letters of a text that no font has."""
    if text.isascii():
        return set()
    known = _known(tuple(families()))
    return {letter for letter in text if letter.isprintable() and ord(letter) not in known}


def drawable(text: str, width: int | None = None) -> str:
    """Return a text as figures show it: letter by letter, a dollar too, and a box for each letter that no font has.

    Parameters
    ----------
    text
        A label, a title or a name of the user's.
    width
        How many letters fit on a line, see `wrapped`; lines stay whole when not given.
    """
    boxed = text.translate({ord(letter): BOX for letter in lacking(text)})
    lines = boxed if width is None else wrapped(boxed, width)
    return lines.replace("$", r"\$")  # a pair of plain dollars would be read as TeX


def warn_of_lacking(names: Iterable[str]) -> None:
    """Say in one warning which letters of the names no font has."""
    letters = sorted(set().union(*map(lacking, names)))
    if letters:
        warnings.warn(
            f"no installed font has {' '.join(letters)}: each is drawn as {BOX}. "
            "Fonts such as Noto Sans CJK or Noto Emoji have them.",
            stacklevel=3,
        )


def wrapped(text: str, width: int) -> str:
    """Break lines that are wider than `width` letters, never within an interval, within a word only where it alone is wider."""
    return "\n".join(line for whole in text.splitlines() for line in _lines(whole, width))


def _lines(text: str, width: int) -> list[str]:
    lines = [""]
    for piece in _PIECE.findall(text):
        longer = f"{lines[-1]} {piece}".strip()
        if wide(longer) <= width:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in piece:
            if wide(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]


def longest(names: Iterable[str]) -> int:
    """Return the width of the longest line of some names, in letters; 0 where there is none."""
    return max((wide(line) for name in names for line in name.splitlines()), default=0)


def wide(text: str) -> int:
    """Return the width of a text in letters; those of East Asia are two wide."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF" or letter == BOX) for letter in text)
