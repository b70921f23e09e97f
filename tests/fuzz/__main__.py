"""Run the fuzzing and print the table: `python tests/fuzz --files 20000 --seed 1 --kinds csv,redcap`."""

from __future__ import annotations

import argparse
import faulthandler
import os
import sys
import time
from pathlib import Path

# Small files: several threads would only wait for each other. Before polars is imported.
os.environ.setdefault("POLARS_MAX_THREADS", "1")

import fuzz

BEGIN, END = "<!-- fuzz: begin -->", "<!-- fuzz: end -->"


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, metavar="N", help="how many files (default 2000)")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other files")
    parser.add_argument("--kinds", default=",".join(fuzz.KINDS), help=f"of {', '.join(fuzz.KINDS)}")
    parser.add_argument("--only", metavar="KIND/N", help="one file again, with all that is said of it")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="copy files at fault there")
    parser.add_argument("--write", type=Path, metavar="FILE", help="renew the table between the markers of FILE")
    asked = parser.parse_args()
    kinds = asked.kinds.split(",")
    if unknown := [kind for kind in kinds if kind not in fuzz.KINDS]:
        parser.error(f"no kind {unknown[0]!r}; allowed: {', '.join(fuzz.KINDS)}")
    if asked.only:
        result = fuzz.again(asked.only, asked.seed, asked.keep, always=True)
        print(f"{result.name}: {result.outcome}\n  {result.damage}\n{result.told}")
        return int(result.outcome in fuzz.FAULTS)
    summary, began = fuzz.Summary(), time.monotonic()
    for name in fuzz.names(asked.files, kinds):
        if asked.keep:
            # Should the process die of a file, this is its name.
            asked.keep.mkdir(parents=True, exist_ok=True)
            (asked.keep / "running").write_text(name)
        # In C code no signal is looked at: then the stack is dumped and the run ends.
        faulthandler.dump_traceback_later(6 * fuzz.SECONDS, exit=True)
        result = fuzz.again(name, asked.seed, asked.keep)
        summary.add(result)
        if result.outcome in fuzz.FAULTS:
            print(f"{result.name}: {result.outcome} ({result.damage})\n  {result.told}", file=sys.stderr, flush=True)
    text = f"{asked.files:,} files, seed {asked.seed}.\n\n{summary.markdown()}"
    print(text)
    print(f"{time.monotonic() - began:.0f} s, at most {fuzz.memory()} MB", file=sys.stderr)
    if asked.write:
        head, _, rest = asked.write.read_text(encoding="utf-8").partition(BEGIN)
        made = f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}"
        asked.write.write_text(made, encoding="utf-8", newline="\n")
    return int(bool(summary.faults))


if __name__ == "__main__":
    sys.exit(main())
