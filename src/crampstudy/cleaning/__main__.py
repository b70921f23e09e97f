"""``python -m crampstudy.cleaning [PAGE]`` renews the table of the rules (default ``docs/cleaning.md``)."""

import sys
from pathlib import Path

from crampstudy.cleaning import rules_page

page = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/cleaning.md")
page.write_text(rules_page.renewed(page.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
