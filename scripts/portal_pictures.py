"""Copy the pictures that the documentation shows from what the portal's browser tests have taken.

Usage: python scripts/portal_pictures.py
Run ``make test ARGS="-m browser examples/portal"`` first: it takes a picture of every page.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TAKEN = ROOT / "examples/portal/tests/screenshots"
SHOWN = ROOT / "docs/pictures"
PAGE = ROOT / "docs/project/pictures.md"


def names() -> list[str]:
    """Return the names of the pictures that the page shows."""
    return re.findall(r"\]\(\.\./pictures/([\w-]+\.png)\)", PAGE.read_text(encoding="utf-8"))


def main() -> int:
    """Copy them; return the exit code."""
    missing = [name for name in names() if not (TAKEN / name).is_file()]
    if missing:
        print(f"Not taken yet: {', '.join(missing)}. {__doc__}")
        return 1
    SHOWN.mkdir(exist_ok=True)
    for old in SHOWN.glob("*.png"):
        old.unlink()
    for name in names():
        shutil.copy(TAKEN / name, SHOWN / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
