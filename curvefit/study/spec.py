"""RunSpec: what is asked of one run. Its id is a hash of its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from curvefit.triplet import AXES, Triplet

SPEC_VERSION = 1


@dataclass(frozen=True, slots=True)
class Member:
    """One member of one axis: a registered component with its settings and a label.

    Parameters
    ----------
    label
        Shown in tables and plots; names the level of the factor.
    name
        Registered name of the component, or ``package.module:attribute``.
    settings
        Non-default settings, JSON-representable.
    version
        Algorithm version, raised by hand when the component's results change.
    """

    label: str
    name: str
    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    version: int = 1
    _text: str = field(default="", init=False, repr=False, compare=False)

    @property
    def content(self) -> str:
        """What identifies this member's results, everything but the label, as canonical JSON."""
        if not self._text:  # a study of 100,000 runs has few members: written once
            text = json.dumps([self.name, self.version, self.settings], sort_keys=True, separators=(",", ":"))
            object.__setattr__(self, "_text", text)
        return self._text

    def to_dict(self) -> dict[str, Any]:
        """Return the member as JSON-representable values."""
        return {"label": self.label, "name": self.name, "settings": self.settings, "version": self.version}


@dataclass(frozen=True, slots=True)
class RunSpec:
    """One run: a triplet at one training-set size and one seed.

    Parameters
    ----------
    study
        Name of the study; not part of the id, so studies can share runs.
    data, model, inference
        The triplet's members.
    n_train
        Training-set size.
    seed
        Replicate number, from 0: draws the training subset and the initialisation.
    study_seed
        Root of all seeds.
    """

    study: str
    data: Member
    model: Member
    inference: Member
    n_train: int
    seed: int
    study_seed: int = 0
    _id: str = field(default="", init=False, repr=False, compare=False)

    @property
    def triplet(self) -> Triplet:
        """Labels of the three members."""
        return Triplet(self.data.label, self.model.label, self.inference.label)

    @property
    def id(self) -> str:
        """Content hash, 20 hexadecimal digits: equal for equal work, whatever the labels."""
        if self._id:
            return self._id
        members = ",".join((self.data.content, self.model.content, self.inference.content))
        text = f"[{SPEC_VERSION},{members},{self.n_train},{self.seed},{self.study_seed}]"
        digest = hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
        object.__setattr__(self, "_id", digest)
        return digest

    def to_dict(self) -> dict[str, Any]:
        """Return the spec as JSON-representable values."""
        members = {axis: getattr(self, axis).to_dict() for axis in AXES}
        numbers = {"n_train": self.n_train, "seed": self.seed, "study_seed": self.study_seed}
        return {"study": self.study, **members, **numbers}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunSpec:
        """Build a spec from `to_dict` output."""
        return cls(**{**values, **{axis: Member(**values[axis]) for axis in AXES}})
