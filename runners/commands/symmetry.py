"""``curvefit symmetry``: certify which groups leave a model under an algorithm unchanged."""

from __future__ import annotations

from typing import Annotated

import typer

from curvefit.json_text import json_text
from runners.commands.options import AsJson


def symmetry(
    model: Annotated[str, typer.Argument(help="Architecture: fcn, lcn, vec, gap, resnet, module, or 'all'.")],
    inference: Annotated[
        str, typer.Argument(help="sgd, momentum, weight-decay, adam, adamw, nngp, ntk, or 'all'.")
    ],
    group: Annotated[
        list[str] | None, typer.Option(help="Only this group; may be repeated.", show_default=False)
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(help="Setting of the model such as padding=same; may be repeated.", show_default=False),
    ] = None,
    shape: Annotated[str, typer.Option(help="Height, width, channels of the images used.")] = "6,6,2",
    seeds: Annotated[
        int, typer.Option(min=50, help="Nets on either side of the first two-sample look.")
    ] = 250,
    as_json: AsJson = False,
) -> None:
    """Print, group by group, whether (MODEL, INFERENCE) is certified invariant or certified not invariant.

    Kernels are compared entry by entry; training runs path by path; where no coupling exists, many
    small nets are compared in distribution. The last line of each table is a control that must fail.
    """
    from curvefit.errors import InvalidInputError
    from curvefit.settings import parse_settings
    from runners.architectures import ARCHITECTURES
    from runners.certificates import INFERENCES, certify, find_chain_group
    from runners.certificates.certification import DEFAULT_GROUPS, KERNELS
    from runners.certificates.kernel import has_kernel

    try:
        height, width, channels = (int(side) for side in shape.split(","))
    except ValueError:
        raise InvalidInputError(f"shape {shape!r} must be three integers such as 6,6,2") from None
    values = dict(_read_setting(text) for text in setting or [])
    several = "all" in (model, inference)
    tables = []
    for name in _complete(ARCHITECTURES) if model == "all" else [model]:
        architecture = parse_settings(ARCHITECTURES[name], values, where=f"model {name!r}")
        for algorithm in INFERENCES if inference == "all" else (inference,):
            if several and algorithm in KERNELS and not has_kernel(architecture):
                typer.echo(f"{name} | {algorithm}: no infinite-width kernel is known", err=True)
                continue
            certificates = certify(
                architecture,
                algorithm,
                groups=tuple(group) if group else DEFAULT_GROUPS,
                shape=(height, width, channels),
                n_seeds=seeds,
            )
            table = name, algorithm, certificates, find_chain_group(certificates)
            if not as_json:
                _print_table(*table)  # at once: a whole list takes minutes
            tables.append(table)
    if as_json:
        typer.echo(json_text({"pairs": [_as_values(*table) for table in tables]}))


def _complete(architectures) -> list[str]:
    """Return the names of the architectures that need no settings, so that all of them can be listed."""
    fields = {name: architectures[name].model_fields.values() for name in architectures.names()}
    return [name for name, own in fields.items() if not any(field.is_required() for field in own)]


def _read_setting(text: str) -> tuple[str, object]:
    import tomllib

    key, equals, value = text.partition("=")
    if not equals:
        from curvefit.errors import InvalidInputError

        raise InvalidInputError(f"setting {text!r} must be key=value, for example padding=same")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _as_values(model: str, inference: str, certificates, chain_group: str | None) -> dict[str, object]:
    return {
        "model": model,
        "inference": inference,
        "chain_group": chain_group,
        "certificates": [
            {
                "group": certificate.group,
                "verdict": str(certificate.verdict),
                "method": certificate.method,
                "discrepancy": certificate.discrepancy,
                "tolerance": certificate.tolerance,
                "margin": certificate.margin,
                "detail": certificate.detail,
            }
            for certificate in certificates
        ],
    }


def _print_table(model: str, inference: str, certificates, chain_group: str | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from runners.certificates.certification import CHAIN_GROUPS

    colours = {"certified invariant": "green", "certified not invariant": "red", "undecided": "yellow"}
    table = Table(
        title=f"{model} | {inference}",
        title_justify="left",
        box=box.SIMPLE,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in ("group", "verdict", "by"):
        table.add_column(column, no_wrap=True)
    for column in ("found", "limit", "margin"):
        table.add_column(column, justify="right", no_wrap=True)
    for certificate in certificates:
        verdict = str(certificate.verdict)
        sign = "p=" if certificate.method == "two-sample" else ""
        table.add_row(
            certificate.group,
            f"[{colours[verdict]}]{verdict}[/]",
            certificate.method,
            f"{sign}{certificate.discrepancy:.0e}",
            f"{certificate.tolerance:.0e}",
            "-" if verdict == "undecided" else f"{certificate.margin:.0e}",
        )
    console = Console()
    console.print(table)
    if chain_group or set(CHAIN_GROUPS) <= {certificate.group for certificate in certificates}:
        console.print(
            f"largest group of the chain that leaves ({model}, {inference}) invariant: "
            f"[bold]{chain_group or 'undecided'}[/]\n"
        )
