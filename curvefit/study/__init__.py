"""Studies: what is asked, read from TOML."""

from curvefit.study.members import StudyMember
from curvefit.study.sizes import SizeGrid, expand_sizes
from curvefit.study.spec import Member, RunSpec
from curvefit.study.study import Study

__all__ = ["Member", "RunSpec", "SizeGrid", "Study", "StudyMember", "expand_sizes"]
