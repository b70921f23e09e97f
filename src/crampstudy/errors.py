"""Every error that the package raises on purpose, with an exit code per kind.

A message says what is wrong, where, what is allowed and what to do next. Anything that is not
a :class:`CrampstudyError` is a bug and ends the command line with exit code 1.
"""

from __future__ import annotations


class CrampstudyError(Exception):
    """Base of all deliberate errors; ``exit_code`` is what the command line returns.

    ``correction`` is a word of the command as it was written and what may stand in its place, ``others`` what else may
    where nothing is likelier than another, ``answer`` are options to be added to it, and ``instead`` is another command
    that tells what is allowed; the command line prints what there is of them as the next command.
    """

    exit_code = 1
    correction: tuple[str, str] | None = None
    others: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows of it: its message, as the command line does."""
        return [f"{type(self).__name__}: {self}"]


class UsageError(CrampstudyError):
    """The call itself is wrong: an unknown option, term, outcome or model."""

    exit_code = 2


class FolderTaken(UsageError):
    """A folder to be written holds what the command did not write; by force it is put aside, never lost."""


class FileTaken(UsageError):
    """A file to be written is there already; by force it is put aside, never lost."""


class OutputError(UsageError):
    """A file, folder or stream that cannot be written: no space, no permission, no such place."""

    exit_code = 4


class NoRowToShow(UsageError):
    """A table is asked of rows of which it shows none: a matter of who calls it, and never what a cohort lacks."""


class BandError(UsageError):
    """Age bands that cannot be: limits not increasing, negative or above a top-coded age."""


class RejectedRows(CrampstudyError):
    """Rows were rejected or cells blanked and the caller asked for none (``--strict``)."""

    exit_code = 3


class SourceError(CrampstudyError):
    """An input that is not there, or cannot be read as what it says it is."""

    exit_code = 4


class OpenQuestion(SourceError):
    """A file leaves open what an option of the command can say; ``answer`` is an example of that option."""

    def __init__(self, message: str, answer: tuple[str, ...]) -> None:
        super().__init__(message)
        self.answer = answer


class SchemaError(SourceError):
    """Tables that break the codebook where only clean tables are allowed."""


class ParameterError(CrampstudyError):
    """A report parameter that is unknown, misspelt or impossible."""

    exit_code = 5


class AnalysisError(CrampstudyError):
    """An analysis that was asked for and could not be done at all."""

    exit_code = 6


class NoWeight(UsageError, AnalysisError):
    """A survey has no weight of a component: an argument names one, and an analysis that takes none cannot be made."""


class GridFailed(CrampstudyError):
    """Some of the reports of a grid could not be made; the others are there."""

    exit_code = 7


class ReportDiffers(CrampstudyError):
    """A report that was made again did not come out the same."""

    exit_code = 8
