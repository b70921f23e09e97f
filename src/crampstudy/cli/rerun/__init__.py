"""The commands of reports that are made again, and of what is kept between them."""

from crampstudy.cli.rerun.cache import cache
from crampstudy.cli.rerun.diff import diff
from crampstudy.cli.rerun.verify import verify

__all__ = ["cache", "diff", "verify"]
