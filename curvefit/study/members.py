"""From member tables to members: grids and zips multiplied out, labels filled in."""

from __future__ import annotations

import itertools
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from curvefit.errors import did_you_mean
from curvefit.study.sizes import expand_sizes
from curvefit.study.spec import Member
from curvefit.study.tables import MemberTable


@dataclass(frozen=True, slots=True)
class StudyMember:
    """A member with what it asks of the runs it takes part in.

    Parameters
    ----------
    member
        Component, settings and label.
    sizes, replicates
        Restrictions, or None for the study's own.
    where
        Path of its table in the study file, for messages: ``"data[0]"``.
    """

    member: Member
    sizes: tuple[int, ...] | None = None
    replicates: int | None = None
    where: str = ""


def expand_members(axis: str, tables: Sequence[MemberTable]) -> tuple[list[StudyMember], list[str]]:
    """Return the members of one axis and a line per mistake.

    Parameters
    ----------
    axis
        ``"data"``, ``"model"`` or ``"inference"``.
    tables
        The axis' tables, in file order.
    """
    mistakes: list[str] = []
    drafts = []
    for index, table in enumerate(tables):
        where = f"{axis}[{index}]"
        for values in _combinations(table):
            name, label = values.pop("name", table.name), values.pop("label", table.label)
            if not isinstance(name, str) or not isinstance(label, str | None):
                mistakes.append(f"  {where}: name and label must be text (got {name!r}, {label!r})")
                continue
            settings = {**table.settings, **values}
            if label is not None:
                label = _fill_label(label, {"name": name, **settings}, where, mistakes)
            sizes = None if table.sizes is None else expand_sizes(table.sizes)
            drafts.append(StudyMember(Member(label or "", name, settings), sizes, table.replicates, where))
    members = [replace(draft, member=_labelled(draft, drafts)) for draft in drafts]
    for label, count in Counter(m.member.label for m in members).items():
        if count > 1:
            mistakes.append(f"  {axis}: {count} members have the label {label!r}; give each its own label")
    return members, mistakes


def _combinations(table: MemberTable) -> Iterator[dict[str, Any]]:
    rows = [dict(zip(table.zip, values)) for values in zip(*table.zip.values())] or [{}]
    for row in rows:
        for values in itertools.product(*table.grid.values()):
            yield {**row, **dict(zip(table.grid, values))}


def _fill_label(template: str, values: dict[str, Any], where: str, mistakes: list[str]) -> str:
    try:
        keys = [key for _, key, _, _ in string.Formatter().parse(template) if key is not None]
        for key in keys:
            if key not in values:
                mistakes.append(
                    f"  {where}.label: {{{key}}} is no setting given here; "
                    f"given: {', '.join(values)}.{did_you_mean(key, values)}"
                )
                return template
        return template.format_map(values)
    except (ValueError, IndexError, KeyError, AttributeError) as error:
        mistakes.append(f"  {where}.label: {template!r} is not a template ({error}); write {{setting}}")
        return template


def _labelled(draft: StudyMember, drafts: Sequence[StudyMember]) -> Member:
    """Return the member with its default label: the name plus the settings in which its namesakes differ."""
    member = draft.member
    if member.label:
        return member
    namesakes = [d.member.settings for d in drafts if d.member.name == member.name]
    keys = dict.fromkeys(key for settings in namesakes for key in settings)
    differing = [key for key in keys if any(s.get(key) != namesakes[0].get(key) for s in namesakes)]
    parts = [f"{key}={member.settings[key]}" for key in differing if key in member.settings]
    return replace(member, label=" ".join([member.name, *parts]))
