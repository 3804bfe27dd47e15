"""Study: a factorial of data, models and inference algorithms, described in TOML."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from curvefit.errors import DataFileError, InvalidInputError, did_you_mean
from curvefit.settings import describe_mistakes
from curvefit.study.members import StudyMember, expand_members
from curvefit.study.sizes import expand_sizes
from curvefit.study.spec import RunSpec
from curvefit.study.tables import ExcludeTable, FallbackTable, StudyFile
from curvefit.triplet import AXES, Triplet, label_matches


@dataclass(frozen=True, slots=True)
class Study:
    """What is asked: every triplet of the listed members, at every size, for every seed.

    Parameters
    ----------
    name, hypothesis
        What the study is called, and what it would show.
    seed
        Root of all seeds (`RunSpec.study_seed`).
    replicates, sizes
        Seeds and training-set sizes of triplets whose members do not restrict them.
    data, model, inference
        The members of the three axes.
    exclude
        Patterns of triplets to leave out.
    fallback
        Dataset name to the dataset that stands in for it where its files are absent.
    """

    name: str
    data: tuple[StudyMember, ...]
    model: tuple[StudyMember, ...]
    inference: tuple[StudyMember, ...]
    hypothesis: str = ""
    seed: int = 0
    replicates: int = 1
    sizes: tuple[int, ...] = ()
    exclude: tuple[ExcludeTable, ...] = ()
    fallback: Mapping[str, FallbackTable] = field(default_factory=dict)

    @classmethod
    def from_toml(cls, path: str | Path) -> Study:
        """Read a study file.

        Raises
        ------
        DataFileError
            When the file is missing or unreadable.
        InvalidInputError
            With a line for every mistake in it.
        """
        path = Path(path)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise DataFileError(f"study file {path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"study file {path} is not UTF-8 text: {error}") from error
        return cls.from_text(text, where=str(path))

    @classmethod
    def from_text(cls, text: str, *, where: str = "study") -> Study:
        """Read a study from TOML text; `where` names it in messages."""
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidInputError(f"{where} is not TOML: {error}") from error
        return cls.from_dict(tables, where=where)

    @classmethod
    def from_dict(cls, tables: Mapping[str, Any], *, where: str = "study") -> Study:
        """Build a study from the tables of a study file."""
        try:
            file = StudyFile(**tables)
        except ValidationError as error:
            mistakes = describe_mistakes(error, StudyFile)
            raise InvalidInputError(f"{where}:\n" + "\n".join(mistakes)) from None
        mistakes = []
        axes: dict[str, tuple[StudyMember, ...]] = {}
        for axis in AXES:
            members, wrong = expand_members(axis, getattr(file, axis))
            axes[axis] = tuple(members)
            mistakes += wrong
        study = cls(
            name=file.study.name,
            hypothesis=file.study.hypothesis,
            seed=file.study.seed,
            replicates=file.study.replicates,
            sizes=() if file.study.sizes is None else expand_sizes(file.study.sizes),
            exclude=file.exclude,
            fallback=file.fallback,
            **axes,
        )
        mistakes += study._mistakes_of_triplets()
        if mistakes:
            raise InvalidInputError(f"{where}:\n" + "\n".join(mistakes))
        return study

    def triplets(self) -> list[Triplet]:
        """Return the labels of the triplets that have at least one run."""
        return [
            Triplet(d.member.label, m.member.label, i.member.label)
            for d, m, i in itertools.product(self.data, self.model, self.inference)
            if self._sizes_of(d, m, i)
        ]

    def specs(self) -> list[RunSpec]:
        """Return every run: triplets in file order, then sizes in increasing order, then seeds."""
        specs = []
        for d, m, i in itertools.product(self.data, self.model, self.inference):
            given = [x.replicates for x in (d, m, i) if x.replicates is not None]
            seeds = range(min(given, default=self.replicates))
            for n_train in self._sizes_of(d, m, i):
                specs += [
                    RunSpec(self.name, d.member, m.member, i.member, n_train, seed, self.seed)
                    for seed in seeds
                ]
        return specs

    def with_fallback(self, name: str) -> Study:
        """Return the study with dataset `name` replaced by its stand-in, which the labels then name."""
        stand_in = self.fallback[name]

        def exchange(entry: StudyMember) -> StudyMember:
            member = entry.member
            if member.name != name:
                return entry
            settings = {**member.settings, **stand_in.settings}
            label = f"{member.label} ({stand_in.name})"
            return replace(entry, member=replace(member, label=label, name=stand_in.name, settings=settings))

        return replace(self, data=tuple(exchange(entry) for entry in self.data))

    def _sizes_of(self, *members: StudyMember) -> tuple[int, ...]:
        sizes = _allowed_sizes(members, self.sizes)
        for pattern in self.exclude:
            if _matches(pattern, members):
                sizes = tuple(n for n in sizes if not _excludes_size(pattern, n))
        return sizes

    def _mistakes_of_triplets(self) -> list[str]:
        mistakes = []
        for axis in AXES:
            seen: dict[str, str] = {}
            for entry in getattr(self, axis):
                content = repr([entry.member.name, sorted(entry.member.settings.items())])
                if seen.get(content, entry.member.label) != entry.member.label:
                    mistakes.append(f"  {axis}: {entry.member.label!r} is the same as {seen[content]!r}")
                seen[content] = entry.member.label
        triplets = list(itertools.product(self.data, self.model, self.inference))
        for members in triplets:
            if not _allowed_sizes(members, self.sizes):
                triplet = Triplet(*(m.member.label for m in members))
                mistakes.append(
                    f"  {triplet}: no training-set size; give study.sizes, or sizes its members share"
                )
        for name in self.fallback:
            known = [entry.member.name for entry in self.data]
            if name not in known:
                mistakes.append(
                    f"  fallback.{name}: no data member has this name.{did_you_mean(name, known)}"
                )
        for index, pattern in enumerate(self.exclude):
            matched = [members for members in triplets if _matches(pattern, members)]
            sizes = {n for members in matched for n in _allowed_sizes(members, self.sizes)}
            if not matched:
                mistakes.append(f"  exclude[{index}]: matches no triplet. {self._wrong_pattern(pattern)}")
            elif sizes and not any(_excludes_size(pattern, n) for n in sizes):
                mistakes.append(
                    f"  exclude[{index}]: excludes nothing; its triplets have sizes {min(sizes)} to {max(sizes)}"
                )
        if not mistakes and not any(self._sizes_of(*members) for members in triplets):
            mistakes.append("  exclude: nothing is left to run")
        return mistakes

    def _wrong_pattern(self, pattern: ExcludeTable) -> str:
        for axis in AXES:
            glob, members = getattr(pattern, axis), getattr(self, axis)
            names = dict.fromkeys(name for m in members for name in (m.member.label, m.member.name))
            if not any(label_matches(name, glob) for name in names):
                return f"{axis} = {glob!r}; known: {', '.join(names)}.{did_you_mean(glob, names)}"
        return ""


def _allowed_sizes(members: tuple[StudyMember, ...], default: tuple[int, ...]) -> tuple[int, ...]:
    given = [m.sizes for m in members if m.sizes is not None]
    if not given:
        return default
    return tuple(sorted(set(given[0]).intersection(*given[1:])))


def _matches(pattern: ExcludeTable, members: tuple[StudyMember, ...]) -> bool:
    patterns = (pattern.data, pattern.model, pattern.inference)
    return all(
        label_matches(entry.member.label, glob) or label_matches(entry.member.name, glob)
        for entry, glob in zip(members, patterns)
    )


def _excludes_size(pattern: ExcludeTable, n_train: int) -> bool:
    if pattern.above is None and pattern.below is None:
        return True
    too_large = pattern.above is not None and n_train > pattern.above
    too_small = pattern.below is not None and n_train < pattern.below
    return too_large or too_small
