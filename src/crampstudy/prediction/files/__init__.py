"""Models as files of plain data: learned, written with a digest, read back and applied; nothing in them is ever run."""

from crampstudy.prediction.files.applied import READ_AS, SENSITIVE, Applied, apply, predictions, validation_rows
from crampstudy.prediction.files.learning import learn
from crampstudy.prediction.files.model_card import card
from crampstudy.prediction.files.model_file import FORMAT, ModelFile, read, write

__all__ = [
    "FORMAT",
    "READ_AS",
    "SENSITIVE",
    "Applied",
    "ModelFile",
    "apply",
    "card",
    "learn",
    "predictions",
    "read",
    "validation_rows",
    "write",
]
