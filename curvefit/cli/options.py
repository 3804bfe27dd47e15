"""Blocks of options that several commands share: one parameter of a command stands for a whole block."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, get_type_hints


class Option(NamedTuple):
    """An option of a block: its annotation for Typer, and its default."""

    annotation: Any
    default: Any = None


def block_of_options(
    name: str, options: Mapping[str, Option], *, check: Callable[[dict[str, Any]], None] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that replaces the parameter `name` of a command by `options`.

    The command gets a dictionary of what was given; an option without a value is not in it.

    Parameters
    ----------
    name
        The command's parameter that stands for the block.
    options
        Python name of each option to what it is.
    check
        Called with what was given before the command is, so that a wrong value stops it before any work.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        parameters = []
        for parameter in inspect.signature(command).parameters.values():
            if parameter.name == name:
                parameters += [
                    inspect.Parameter(
                        key,
                        inspect.Parameter.KEYWORD_ONLY,
                        default=option.default,
                        annotation=option.annotation,
                    )
                    for key, option in options.items()
                ]
            else:
                parameters.append(
                    parameter.replace(
                        kind=inspect.Parameter.KEYWORD_ONLY,
                        annotation=hints.get(parameter.name, parameter.annotation),
                    )
                )

        @wraps(command)
        def with_options(**given: Any) -> None:
            block = {key: given.pop(key) for key in options}
            chosen = {key: value for key, value in block.items() if value not in (None, [])}
            if check is not None:
                check(chosen)
            command(**given, **{name: chosen})

        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {p.name: p.annotation for p in parameters}
        return with_options

    return decorate
