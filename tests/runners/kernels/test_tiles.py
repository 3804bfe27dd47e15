"""The folder of tiles: a help, and never a reason to fail."""

import errno

import numpy as np
import pytest

from runners.architectures import GAP
from runners.kernels import nngp_ntk


@pytest.mark.parametrize("full_from", ["the start", "the first tile"])
def test_a_full_disk_costs_the_tiles_and_not_the_matrix(tmp_path, monkeypatch, full_from):
    x = np.random.default_rng(7).standard_normal((30, 4, 4, 2))
    keys = {"engine": "eager", "memory_budget": 10**6, "folder": tmp_path, "threads": 2, "renew": True}
    expected = nngp_ntk(GAP(depth=1), x + 1, **keys).ntk
    nngp_ntk(GAP(depth=1), x, **keys)  # tiles of another matrix, which are not to be taken for the new one's

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if full_from == "the start":
        monkeypatch.setattr("runners.kernels.tiles.Path.mkdir", lambda *_, **__: full())
    else:
        monkeypatch.setattr("runners.kernels.tiles.np.save", full)
    with pytest.warns(UserWarning, match="tiles are not kept in .*No space left on device") as said:
        moved = nngp_ntk(GAP(depth=1), x + 1, **keys)
    assert len(said) == 1
    assert (moved.ntk == expected).all()
    assert not list(tmp_path.glob("*.draft"))
