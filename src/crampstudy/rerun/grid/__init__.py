"""Many reports at once: cohorts by age bands by parameters, and a page that sets them side by side."""

from crampstudy.rerun.grid.cells import ReportGrid, read
from crampstudy.rerun.grid.made import make_grid

__all__ = ["ReportGrid", "make_grid", "read"]
