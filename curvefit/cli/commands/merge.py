"""``curvefit merge``: the records of several folders in one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curvefit.cli.output import AsJson, print_json, print_text


def merge(
    into: Annotated[Path, typer.Argument(help="Folder that takes the records; made when absent.")],
    others: Annotated[list[Path], typer.Argument(help="Folders of records to copy from.")],
    as_json: AsJson = False,
) -> None:
    """Copy the records of other folders into one, each file checked; equal runs count once."""
    from curvefit.records.merging import merge_stores
    from curvefit.records.store import RecordStore

    store = merge_stores(RecordStore(into), [RecordStore(other) for other in others])
    runs = store.read_table().num_rows
    if as_json:
        print_json({"records": into, "runs": runs})
    else:
        print_text(f"{into} holds the records of {runs} runs")
