"""Studies: what is asked, read from TOML."""

from curvefit.study.spec import Member, RunSpec

__all__ = ["Member", "RunSpec"]
