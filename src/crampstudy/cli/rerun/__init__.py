"""The commands of reports that are made again, and of what is kept between them."""

from crampstudy.cli.rerun.cache import cache

__all__ = ["cache"]
