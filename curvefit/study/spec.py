"""RunSpec: what is asked of one run. Its id is a hash of its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from curvefit.triplet import Triplet

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

    def content(self) -> list[Any]:
        """Return what identifies this member's results: everything but the label."""
        return [self.name, self.version, self.settings]


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

    @property
    def triplet(self) -> Triplet:
        """Labels of the three members."""
        return Triplet(self.data.label, self.model.label, self.inference.label)

    @property
    def id(self) -> str:
        """Content hash, 20 hexadecimal digits: equal for equal work, whatever the labels."""
        content = [
            SPEC_VERSION,
            self.data.content(),
            self.model.content(),
            self.inference.content(),
            self.n_train,
            self.seed,
            self.study_seed,
        ]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
