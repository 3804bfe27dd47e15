"""A command group that knows its commands by name and summary, and loads one only when it is called."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from curvefit.errors import InvalidInputError, MissingDependencyError, unknown_name

COMMAND_GROUP = "curvefit.commands"
INSTALL_RUNNERS = "pip install 'curvefit[runners]' (in a checkout: pip install '.[runners]')"


class Interrupted(Exception):
    """Ctrl-C while a command was at work; Typer would swallow a KeyboardInterrupt without a word."""


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """A command that is listed without being imported.

    Parameters
    ----------
    name
        What the user types.
    summary
        The line ``--help`` shows.
    path
        ``package.module:attribute``; empty for a command that only an entry point can provide.
    """

    name: str
    summary: str
    path: str = ""

    def load(self) -> Any:
        """Import and return the command's function, Typer app or ready command."""
        point = command_points().get(self.name)
        try:
            if point is not None:
                return point.load()
            if self.path:
                module, _, attribute = self.path.partition(":")
                return getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise missing_dependency(self.name, error.name) from error
        raise missing_dependency(self.name, "runners")


def missing_dependency(command: str, module: str | None) -> MissingDependencyError:
    """Build the error for a command whose imports fail: what is missing, and what to install."""
    return MissingDependencyError(
        f"'curvefit {command}' needs the module {module!r}, which is not installed. "
        f"Training and exact kernels are the runners half of this package: {INSTALL_RUNNERS}"
    )


def command_points() -> dict[str, EntryPoint]:
    """Return the entry points that other packages (the runners among them) mount as commands."""
    return {point.name: point for point in entry_points(group=COMMAND_GROUP)}


def lazy_group(commands: Iterable[LazyCommand]) -> type[TyperGroup]:
    """Return a Typer group class that lists `commands` and every mounted entry point.

    Listing imports nothing; calling a command imports that command alone.
    """
    own = {command.name: command for command in commands}

    class LazyGroup(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            mounted = [name for name in sorted(command_points()) if name not in own]
            return [*own, *mounted]

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            """Return a stand-in that carries the name and summary: enough for ``--help``."""
            if cmd_name not in self.list_commands(ctx):
                return None
            return TyperCommand(cmd_name, help=_lazy(own, cmd_name).summary)

        def invoke(self, ctx: Any) -> Any:
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                raise Interrupted from None

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            name = args[0]
            known = self.list_commands(ctx)
            if args[1:2] == ["-"]:
                raise InvalidInputError(f"{name} reads a file or a folder, not standard input ('-')")
            if name in known:
                return name, as_command(name, _lazy(own, name).load()), args[1:]
            if not name.startswith("-") and not ctx.resilient_parsing:
                raise unknown_name("command", name, known)
            return super().resolve_command(ctx, args)

    return LazyGroup


def _lazy(own: dict[str, LazyCommand], name: str) -> LazyCommand:
    if name in own:
        return own[name]
    point = command_points()[name]
    return LazyCommand(name, f"Provided by {point.value.partition(':')[0]}.")


def _unwrapped(docstring: str) -> str:
    """Return a docstring with one line a paragraph: the terminal's width decides where lines break."""
    return "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(docstring).split("\n\n"))


def as_command(name: str, loaded: Callable[..., Any] | typer.Typer) -> Any:
    """Turn a function or a Typer app into a command that the group can invoke."""
    if isinstance(loaded, TyperCommand | TyperGroup):
        return loaded
    if isinstance(loaded, typer.Typer):
        return typer.main.get_command(loaded)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, help=_unwrapped(loaded.__doc__ or ""))(loaded)
    return typer.main.get_command(single)
