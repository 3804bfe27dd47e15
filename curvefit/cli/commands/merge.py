"""``curvefit merge``: the records of several folders in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def merge(
    into: Annotated[Path, typer.Argument(help="Folder that takes the records; made when absent.")],
    others: Annotated[list[Path], typer.Argument(help="Folders of records to copy from.")],
) -> None:
    """Copy the records of other folders into one, each file checked; equal runs count once."""
    from curvefit.records.merging import merge_stores
    from curvefit.records.store import RecordStore

    store = merge_stores(RecordStore(into), [RecordStore(other) for other in others])
    typer.echo(f"{into} holds the records of {store.read_table().num_rows} runs")
