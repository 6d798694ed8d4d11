"""Run packages and applications that depend on Flask-Login, before and now.

Each recipe beside this file names a release of such a package. Its tests run twice, in two
environments that differ in one package only: Flask-Login 0.6.3, and this checkout as a wheel.
Where the recipe names a driver instead, that script starts the application and visits it over
HTTP: with either release, and with one release on what the other left.
What passed before has to pass now, or the recipe has to say why it doesn't.
"""

# ruff: noqa: S603  # it runs pip and pytest, with arguments of its own and of the recipes
# ruff: noqa: S314  # the XML it reads is what pytest has just written
# ruff: noqa: T201  # printing is what it does

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

if sys.version_info < (3, 11):
    sys.exit("error: downstream/run.py needs Python 3.11 or newer, which reads TOML.")

import tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BEFORE = "Flask-Login==0.6.3"
HOURS_FOR_A_SUITE = 1

#: Which releases play the two acts of a driver. The first way is what the others have to equal.
WAYS = {
    "before": ("before", "before"),
    "now": ("now", "now"),
    "upgrade": ("before", "now"),
    "downgrade": ("now", "before"),
}
ACTS = ("first", "second")


@dataclass(frozen=True)
class Recipe:
    """How the tests of one release of one package are run: what its TOML file says."""

    #: The project as `pip` calls it.
    name: str
    #: The release; its source distribution has the tests.
    version: str
    #: The Python that it and its dependencies can be installed on.
    python: str
    #: Where the tests are, and any other arguments for pytest.
    pytest: list[str] = field(default_factory=list[str])
    #: The script beside the recipe that drives the application, instead of its tests. It is called
    #: with an act, ``first`` or ``second``, and the folder of the play, where the first act leaves
    #: databases and cookies to the second. Each line that it prints is one outcome.
    driver: str = ""
    #: The folder of the package itself, removed so that the installed one is tested; empty
    #: where the tests are inside of it.
    package: str = ""
    #: Extras to install it with.
    extras: list[str] = field(default_factory=list[str])
    #: What its tests need beside it.
    requires: list[str] = field(default_factory=list[str])
    #: Environment variables; `{source}` stands for the folder that the tests run in.
    environment: dict[str, str] = field(default_factory=dict[str, str])
    #: Files to add, by path, where the tests need a bridge to today's dependencies.
    files: dict[str, str] = field(default_factory=dict[str, str])
    #: Tests that fail now on purpose, each with the reason.
    on_purpose: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def fingerprint(self) -> str:
        """What the environments and the earlier result depend on."""
        parts = [BEFORE, *(str(value) for key, value in vars(self).items() if key != "on_purpose")]
        if self.driver:
            scripts = (HERE / self.driver, HERE / "browser.py")
            parts += [path.read_text(encoding="utf-8") for path in scripts]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def install(self) -> list[str]:
        """Return the requirements of an environment, Flask-Login left out."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        runner = [] if self.driver else ["pytest"]
        return [f"{self.name}{extras}=={self.version}", *runner, *self.requires]


@dataclass(frozen=True)
class Comparison:
    """What passed before, and what of it fails now."""

    name: str
    before: set[str]
    now: set[str]
    on_purpose: dict[str, str]

    @property
    def failing(self) -> list[str]:
        """The tests that passed before and fail now for no reason given."""
        return sorted(self.before - self.now - self.on_purpose.keys())

    @property
    def explained(self) -> list[str]:
        """The tests that passed before and fail now as the recipe says."""
        return sorted((self.before - self.now) & self.on_purpose.keys())

    @property
    def outdated(self) -> list[str]:
        """The tests that pass although the recipe says they fail, or that don't exist."""
        return sorted(self.on_purpose.keys() - (self.before - self.now))


class Workbench:
    """The folder in which one recipe is carried out."""

    def __init__(self, recipe: Recipe, folder: Path) -> None:
        self.recipe = recipe
        self.folder = folder
        self.marker = folder / "fingerprint"

    def compare(self, recipe_name: str, wheel: Path) -> Comparison:
        """Run the tests with both releases; those before only when the recipe has changed."""
        if not self.is_prepared():
            self.prepare()
            self.carry_out("before")
            self.marker.write_text(self.recipe.fingerprint, encoding="utf-8")
        pip(self.python("now"), "install", "--no-deps", "--force-reinstall", str(wheel))
        self.carry_out("now")
        return Comparison(
            recipe_name, self.passed("before"), self.passed("now"), self.recipe.on_purpose
        )

    def carry_out(self, label: str) -> None:
        """Run the tests, or the plays, of that release."""
        if not self.recipe.driver:
            self.test(label)
            return
        for way in WAYS:
            if (way == "before") is (label == "before"):
                self.drive(way)

    def drive(self, way: str) -> None:
        """Play both acts of the driver, each with the release that has it on this way."""
        print(f"{self.recipe.name} {self.recipe.version}: driving it, {way}")
        folder = self.folder / "plays" / way
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        log = self.folder / f"{way}.log"
        given = {key: text.format(source=folder) for key, text in self.recipe.environment.items()}
        lines: list[str] = []
        with log.open("w", encoding="utf-8") as errors:
            for act, label in zip(ACTS, WAYS[way], strict=True):
                played = subprocess.run(
                    [self.python(label), str(HERE / self.recipe.driver), act, str(folder)],
                    check=False,
                    cwd=folder,
                    env=os.environ | given,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    encoding="utf-8",
                    timeout=HOURS_FOR_A_SUITE * 60 * 60,
                )
                lines += [f"{act} act, {line}" for line in played.stdout.splitlines()]
                if played.returncode and way == "before":
                    sys.exit(f"error: the {act} act cannot be played with 0.6.3 either; see {log}")
                lines.append(f"{act} act, exit code: {played.returncode}")
        (self.folder / f"{way}.lines").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def is_prepared(self) -> bool:
        """Tell whether both environments and the earlier result are there for this recipe."""
        done = self.marker.read_text(encoding="utf-8") if self.marker.exists() else None
        return done == self.recipe.fingerprint

    def prepare(self) -> None:
        """Make both environments, equal but for Flask-Login, and get the tests if they are run."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        interpreter = find_python(self.recipe.python)
        for label in ("before", "now"):
            run([interpreter, "-m", "venv", str(self.folder / label)])
        before = self.python("before")
        pip(before, "install", BEFORE, *self.recipe.install())
        frozen = subprocess.run(
            [before, "-m", "pip", "freeze"], check=True, capture_output=True, text=True
        ).stdout.splitlines()
        lock = self.folder / "requirements.txt"
        others = [line for line in frozen if not line.lower().startswith("flask-login==")]
        lock.write_text("\n".join(others) + "\n", encoding="utf-8")
        pip(self.python("now"), "install", "--no-deps", "--requirement", str(lock))
        if self.recipe.driver:
            return
        release = f"{self.recipe.name}=={self.recipe.version}"
        only_source = ["--no-deps", "--no-binary", self.recipe.name]
        pip(before, "download", *only_source, "--dest", str(self.folder / "sdist"), release)

    def test(self, label: str) -> None:
        """Run the tests in a new copy of the source distribution."""
        source = self.folder / f"source-{label}"
        shutil.rmtree(source, ignore_errors=True)
        (archive,) = (self.folder / "sdist").glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(source, filter="data")
        (source,) = source.iterdir()
        if self.recipe.package:
            shutil.rmtree(source / self.recipe.package)
        for path, text in self.recipe.files.items():
            (source / path).write_text(text, encoding="utf-8")
        given = {key: text.format(source=source) for key, text in self.recipe.environment.items()}
        print(f"{self.recipe.name} {self.recipe.version}: testing with Flask-Login {label}")
        report = self.folder / f"{label}.xml"
        report.unlink(missing_ok=True)
        # Their own options may ask for plugins and coverage that are not the question here.
        options = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", f"--junitxml={report}"]
        with (self.folder / f"{label}.log").open("w", encoding="utf-8") as log:
            subprocess.run(
                [self.python(label), "-m", "pytest", *options, *self.recipe.pytest],
                check=False,  # failing tests are what is counted
                cwd=source,
                env=os.environ | given,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=HOURS_FOR_A_SUITE * 60 * 60,
            )

    def passed(self, label: str) -> set[str]:
        """Return the names of the tests that passed, or the lines that each way printed."""
        if self.recipe.driver:
            came = {way: self.lines(way if label == "now" else "before") for way in WAYS}
            return {
                f"{way}: {line}"
                for way, lines in came.items()
                for line in lines
                # The first act is the same play, whichever release continues.
                if way == "now" or (way != "before" and line.startswith(ACTS[1]))
            }
        report = self.folder / f"{label}.xml"
        if not report.exists():
            sys.exit(f"error: pytest wrote no report; see {self.folder / label}.log")
        unsuccessful = ("failure", "error", "skipped")
        # A test whose teardown fails may be reported twice.
        outcomes: dict[str, bool] = {}
        for case in ET.parse(report).iter("testcase"):
            name = f"{case.get('classname')}::{case.get('name')}"
            good = not any(child.tag in unsuccessful for child in case)
            outcomes[name] = outcomes.get(name, True) and good
        return {name for name, good in outcomes.items() if good}

    def lines(self, way: str) -> list[str]:
        """Return what the driver printed on that way."""
        return (self.folder / f"{way}.lines").read_text(encoding="utf-8").splitlines()

    def python(self, label: str) -> str:
        """Return the Python of an environment."""
        return str(self.folder / label / "bin/python")


def run(command: list[str]) -> None:
    """Run a command that has to succeed."""
    subprocess.run(command, check=True)


def pip(python: str, command: str, *arguments: str) -> None:
    """Run `pip` in the environment of a Python, quietly."""
    quiet = ["-qq", "--disable-pip-version-check"]
    run([python, "-m", "pip", command, *quiet, *arguments])


def find_python(version: str) -> str:
    """Return the path of that Python, or stop."""
    found = subprocess.run(
        [str(ROOT / "scripts/find-python"), version], check=False, capture_output=True, text=True
    )
    if found.returncode:
        sys.exit(f"error: this machine has no Python {version}, which the recipe needs.")
    return found.stdout.strip()


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout."""
    shutil.rmtree(folder, ignore_errors=True)
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def read_recipe(name: str) -> Recipe:
    """Return the recipe of that name."""
    with (HERE / f"{name}.toml").open("rb") as file:
        return Recipe(**tomllib.load(file))


def show(comparisons: list[Comparison]) -> None:
    """Print the table, and below it every test or line that it counts as failing."""
    row = "{:24} {:>14} {:>11} {:>14} {:>11}"
    print("\n" + row.format("", "passed before", "passed now", "newly failing", "on purpose"))
    for found in comparisons:
        counts = (len(tests) for tests in (found.before, found.now, found.failing, found.explained))
        print(row.format(found.name, *counts))
    for found in comparisons:
        for test in found.failing:
            print(f"\n{found.name}: {test}\n  newly failing")
        for test in found.explained:
            print(f"\n{found.name}: {test}\n  fails on purpose: {found.on_purpose[test]}")
        for test in found.outdated:
            print(f"\n{found.name}: {test}\n  does not newly fail: take it out of the recipe")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    names = sorted(path.stem for path in HERE.glob("*.toml"))
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[2],
        epilog=f"Recipes: {', '.join(names)}. Exits 1 when a test newly fails for no reason given.",
    )
    parser.add_argument(
        "recipes", metavar="RECIPE", nargs="*", help="which to run (default: every one)"
    )
    parser.add_argument(
        "--work",
        metavar="DIR",
        type=Path,
        default=ROOT / ".downstream",
        help="where environments, logs and results are kept (default: .downstream/)",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="make the environments and the earlier result anew"
    )
    arguments = parser.parse_args()
    arguments.recipes = arguments.recipes or names
    for name in arguments.recipes:
        if name not in names:
            parser.error(f"no recipe {name!r}; there are {', '.join(names)}")
    return arguments


def main() -> int:
    """Run the recipes that were asked for; return the exit code."""
    arguments = parse_arguments()
    work: Path = arguments.work.resolve()
    wheel = build_wheel(work / "wheel")
    comparisons: list[Comparison] = []
    for name in arguments.recipes:
        if arguments.fresh:
            shutil.rmtree(work / name, ignore_errors=True)
        comparisons.append(Workbench(read_recipe(name), work / name).compare(name, wheel))
    show(comparisons)
    return 1 if any(found.failing for found in comparisons) else 0


if __name__ == "__main__":
    sys.exit(main())
