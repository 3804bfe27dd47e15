"""Words for the mistakes pydantic finds in a study file: path as written, value, nearest key."""

from __future__ import annotations

import typing
from typing import Any

from pydantic import BaseModel, ValidationError

from curvefit.errors import did_you_mean

UNION_TAGS = ("list", "SizeGrid")


def describe_study_mistakes(error: ValidationError, file: type[BaseModel]) -> list[str]:
    """Return a line per mistake, each with its path in the file, such as ``data[0].sizes.start``."""
    lines = []
    for mistake in error.errors(include_url=False):
        path, model = _walk(file, mistake["loc"])
        key = str(mistake["loc"][-1]) if mistake["loc"] else ""
        if mistake["type"] == "extra_forbidden":
            known = list(model.model_fields)
            lines.append(f"  {path}: unknown key; known: {', '.join(known)}.{did_you_mean(key, known)}")
        elif mistake["type"] == "missing":
            lines.append(f"  {path}: missing, must be given")
        elif mistake["type"] == "value_error":
            lines.append(f"  {path}: {mistake['ctx']['error']}")
        else:
            lines.append(f"  {path}: {mistake['msg']} (got {mistake['input']!r})")
    return lines


def _walk(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[str, type[BaseModel]]:
    """Return the path as a reader of the file would write it, and the innermost model on the way.

    Union tags, which pydantic puts into the location, are left out of the path.
    """
    path = ""
    innermost: type[BaseModel] = model
    annotation: Any = model
    for part in loc:
        models = _models_in(annotation)
        if isinstance(part, int):
            path += f"[{part}]"
        elif part in UNION_TAGS:
            annotation = next((m for m in models if m.__name__ == part), annotation)
        else:
            innermost = models[0] if models else innermost
            path += f".{part}" if path else part
            field = innermost.model_fields.get(part)
            annotation = field.annotation if field is not None else None
    return path or "(whole file)", innermost


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for argument in typing.get_args(annotation) for m in _models_in(argument)]
