"""``python -m crampstudy.codebook [FOLDER]`` writes the data dictionary (default ``data/dictionary``)."""

import sys
from pathlib import Path

from crampstudy.codebook import dictionary

dictionary.write(Path(sys.argv[1] if len(sys.argv) > 1 else "data/dictionary"))
