"""Public check: builds and looks at the form of the result."""

import pathlib
import sys

import build

build.main()
lines = pathlib.Path("out/daily.csv").read_text().splitlines()
good = lines[0] == "day,total" and len(lines) > 1
print(f"check form {'pass' if good else 'fail'} {len(lines) - 1} days")
sys.exit(0 if good else 1)
