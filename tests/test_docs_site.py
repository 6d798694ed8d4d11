"""The documentation as a site: it is built strictly, works offline and fits on a phone."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from tests.chromium import DESKTOP, PHONE, chromium, press, resize, wait_until
from tests.node import find_node

pytest.importorskip("sphinx", reason="builds the site with Sphinx")
pytest.importorskip("furo", reason="builds the site with Furo")

pytestmark = [pytest.mark.tools, pytest.mark.xdist_group("docs site")]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def build(docs: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Build the site as ``make docs`` does."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(r"-m sphinx (.*) docs build/docs$", makefile, re.MULTILINE)
    assert found is not None, "make docs has no line that builds the site"
    options = found[1].split()
    assert {"-W", "--keep-going", "-n"} <= set(options)
    command = [sys.executable, "-m", "sphinx", *options, str(docs), str(out)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603, PLW1510  # our own documentation; the tests look at the exit code


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    result = build(DOCS, out)
    assert result.returncode == 0, result.stdout + result.stderr
    return out


class Page(HTMLParser):
    """What a built page loads, where it links to, and what can be linked to in it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.links: set[str] = set()
        self.menu: set[str] = set()
        self.anchors: set[str] = set()
        self._in_menu = False
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.add(given.get("id", ""))
        if "sidebar-tree" in given.get("class", ""):
            self._in_menu = True
        if "toc-drawer" in given.get("class", "") or tag == "article":
            self._in_menu = False
        href = given.get("href", "")
        if tag == "a":
            self.links.add(href)
            if self._in_menu:
                self.menu.add(href)
        elif tag == "link" and given.get("rel") not in {"index", "search", "next", "prev"}:
            self.loads.add(href)
        self.loads.add(given.get("src", ""))


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in site.rglob("*.html") if "_static" not in file.parts}


def test_every_page_of_the_documentation_is_built_and_in_the_menu(
    site: Path, pages: dict[Path, Page]
) -> None:
    expected = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    assert {file.relative_to(site) for file in pages} == expected | {
        Path("genindex.html"),
        Path("search.html"),
    }
    for file, page in pages.items():
        listed = {(file.parent / urlsplit(href).path).resolve() for href in page.menu if href}
        listed |= {file, site / "index.html"}  # a page's own entry is "#"; the index is the title
        missing = {site / name for name in expected} - listed
        assert not missing, file


def test_nothing_is_loaded_from_another_site(site: Path, pages: dict[Path, Page]) -> None:
    for file, page in pages.items():
        for load in page.loads:
            parts = urlsplit(load)
            assert not parts.netloc, f"{file}: {load}"
            assert parts.scheme in {"", "data"}, f"{file}: {load}"
            assert parts.scheme or (file.parent / unquote(parts.path)).exists(), f"{file}: {load}"
    for style in site.rglob("*.css"):
        for target in re.findall(r"url\(([^)]*)\)|@import", style.read_text(encoding="utf-8")):
            assert not target.strip("'\"").startswith(("http", "//")), f"{style}: {target}"


def test_every_link_within_the_site_leads_somewhere(pages: dict[Path, Page]) -> None:
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link in {"", "#"}:
                assert not link or parts.scheme in {"", "https", "http"}, f"{file}: {link}"
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            assert target in pages, f"{file}: {link}"
            anchor = unquote(parts.fragment)
            assert not anchor or anchor in pages[target].anchors, f"{file}: {link}"


def test_a_name_on_a_page_is_a_link_to_its_docstring_and_a_setting_to_its_meaning(
    pages: dict[Path, Page], site: Path
) -> None:
    links = pages[site / "explanation/freshness.html"].links
    assert "../reference/python.html#flask_login.confirm_login" in links
    assert "../reference/settings.html#login_fresh_timeout" in links


def test_a_method_that_is_a_function_of_a_room_is_shown_with_its_overloads(site: Path) -> None:
    page = (site / "reference/python.html").read_text(encoding="utf-8")
    shown = re.findall(r'"sig-name descname"><span class="pre">(\w+)<', page)
    assert shown.count("user_loader") == 4
    assert shown.count("login_required") == 4  # the function's, and the method's


def test_code_in_a_table_may_be_broken_between_words_and_stays_as_it_is(site: Path) -> None:
    page = (site / "explanation/asvs.html").read_text(encoding="utf-8")
    assert "LOGIN_<wbr>MAX_<wbr>SESSIONS" in page
    text = re.sub(r"<[^>]*>", "", page)
    assert "A SECRET_KEY from secrets. flask login doctor looks at it." in text


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build a site with every mistake that there is, and return what the build says."""
    folder = tmp_path_factory.mktemp("broken")
    docs = folder / "docs"
    shutil.copytree(DOCS, docs, ignore=shutil.ignore_patterns("examples", "__pycache__"))
    for file in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"):
        shutil.copy(ROOT / file, folder / file)
    # The changelog's page has what is not released yet.
    shutil.copy(ROOT / "pyproject.toml", folder / "pyproject.toml")
    shutil.copytree(ROOT / "changes", folder / "changes")
    shutil.copytree(ROOT / "src", folder / "src")
    (folder / "examples/portal").mkdir(parents=True)
    shutil.copy(ROOT / "examples/portal/README.md", folder / "examples/portal/README.md")

    (docs / "lost.md").write_text("# In no menu\n", encoding="utf-8")
    page = docs / "explanation/freshness.md"
    text = page.read_text(encoding="utf-8")
    links = "\n[a](nowhere.md) [b](threats.md#nowhere)\n"
    picture = "\n~~~mermaid\nflowchart LR\n~~~\n"
    page.write_text(text + links, encoding="utf-8")
    settings = docs / "reference/settings.md"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("## `LOGIN_DISABLED`", "## Nothing"), encoding="utf-8")
    names = docs / "reference/api.md"
    text = names.read_text(encoding="utf-8")
    names.write_text(re.sub(r"\| `logout_user` \|.*\n", "", text, count=1), encoding="utf-8")
    result = build(docs, folder / "out")
    assert result.returncode != 0
    page.write_text(page.read_text(encoding="utf-8") + picture, encoding="utf-8")
    drawn = build(docs, folder / "out")
    assert drawn.returncode != 0
    return result.stderr + drawn.stderr


@pytest.mark.parametrize(
    "said",
    [
        "lost.md: WARNING: document isn't included in any toctree",
        "cross-reference target not found: 'nowhere.md'",
        "local id not found: 'nowhere'|'nowhere' .*not found|threats.md#nowhere|id not found",
        "WARNING: LOGIN_DISABLED is on no page",
        "WARNING: flask_login.logout_user has no docstring",
        "A picture begins with 'flowchart TD'",
    ],
)
def test_a_mistake_fails_the_build_and_is_told(broken: str, said: str) -> None:
    assert re.search(said, broken), broken


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.mark.browser
def test_the_search_finds_a_page_with_no_server_at_all(site: Path, browser: Any) -> None:
    resize(browser, DESKTOP)
    browser.get((site / "search.html").as_uri() + "?q=fingerprint")
    page = "ul.search li a[href*='explanation/session-protection.html']"
    assert wait_until(browser, lambda b: b.find_elements("css selector", page))


@pytest.mark.browser
@pytest.mark.parametrize(
    ("typed", "page"),
    [
        ("password reset", "how-to/password-reset"),
        ("forgotten password", "how-to/password-reset"),
        ("email", "how-to/password-reset"),
        ("not logged in", "how-to/debugging"),
        ("log out everywhere", "how-to/your-devices"),
        ("rate limit", "how-to/throttle-logins"),
        ("2FA", "how-to/two-factors"),
        ("passkeys", "how-to/passkeys"),
        ("typing", "how-to/typing"),
        ("remember me", "tutorial"),
        ("session store", "how-to/choose-a-store"),
        ("deployment", "how-to/deploy"),
    ],
)
def test_the_search_finds_what_people_type_with_the_right_page_first(
    site: Path, browser: Any, typed: str, page: str
) -> None:
    browser.get((site / "search.html").as_uri() + f"?q={quote(typed)}")
    first = wait_until(browser, lambda b: b.find_elements("css selector", "ul.search li a"))[0]
    assert f"/{page}.html" in first.get_attribute("href")


@pytest.mark.browser
@pytest.mark.servers  # what looks for it comes from a package index
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_that_keeps_people_from_reading_a_page(
    site: Path, pages: dict[Path, Page], browser: Any, size: tuple[int, int]
) -> None:
    find_node()
    from portal_axe import violations

    resize(browser, size)
    found = {}
    # On a phone the frame of a page differs, and tables do.
    few = {
        site / f"{name}.html" for name in ("index", "tutorial", "search", "reference/exceptions")
    }
    for file in sorted(few if size == PHONE else pages):
        browser.get(file.as_uri())
        said = violations(browser)
        if said:
            found[file.relative_to(site).as_posix()] = said
    assert not found


@pytest.mark.browser
def test_a_page_is_read_with_the_keyboard_alone(site: Path, browser: Any) -> None:
    from selenium.webdriver import ActionChains, Keys

    def type_key(key: str) -> Any:
        ActionChains(browser).send_keys(key).perform()
        return browser.switch_to.active_element

    resize(browser, DESKTOP)
    browser.get((site / "how-to/choose-a-store.html").as_uri())
    skip = type_key(Keys.TAB)
    assert skip.get_attribute("textContent") == "Skip to content"
    wait_until(browser, lambda _: skip.rect["y"] >= 0)  # it slides in
    type_key(Keys.ENTER)
    assert browser.current_url.endswith("#furo-main-content")
    inside = type_key(Keys.TAB)
    assert browser.execute_script("return arguments[0].closest('article') !== null", inside)
    # The outline shows where one is.
    style = "return getComputedStyle(arguments[0]).outlineStyle"
    assert browser.execute_script(style, inside) != "none"

    resize(browser, PHONE)
    browser.refresh()
    menu = browser.find_element("css selector", ".nav-overlay-icon")
    browser.execute_script("arguments[0].focus()", menu)
    assert browser.switch_to.active_element == menu
    drawer = browser.find_element("css selector", ".sidebar-drawer")
    type_key(Keys.ENTER)
    assert menu.get_attribute("aria-expanded") == "true"
    wait_until(browser, lambda _: drawer.rect["x"] >= 0)
    type_key(Keys.ESCAPE)
    assert menu.get_attribute("aria-expanded") == "false"
    wait_until(browser, lambda _: drawer.rect["x"] < 0)


@pytest.mark.browser
@pytest.mark.parametrize(("wish", "moves"), [("no-preference", True), ("reduce", False)])
def test_the_picture_that_moves_can_be_stopped_and_waits_for_those_who_want_no_motion(
    site: Path, browser: Any, wish: str, moves: bool
) -> None:
    features = [{"name": "prefers-reduced-motion", "value": wish}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    resize(browser, DESKTOP)
    browser.get((site / "index.html").as_uri())
    film = browser.find_element("css selector", "article img[src$='.webp']")
    names = {True: "Stop the picture", False: "Play the picture"}
    for moving in (moves, not moves):
        wait_until(
            browser, lambda b: [e.text for e in b.find_elements("css selector", ".film")] != [""]
        )
        button = browser.find_element("css selector", ".film")
        assert (button.text, film.is_displayed()) == (names[moving], moving)
        press(browser, "css selector", ".film")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_no_link_is_inside_of_a_link(pages: dict[Path, Page]) -> None:
    for file in pages:
        depth = 0
        for end in re.findall(r"<(/?)a[ >]", file.read_text(encoding="utf-8")):
            depth += -1 if end else 1
            assert depth in {0, 1}, file


@pytest.mark.browser
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_page_is_wider_than_the_screen(
    site: Path, pages: dict[Path, Page], browser: Any, size: tuple[int, int]
) -> None:
    resize(browser, size)
    for file in sorted(pages):
        browser.get(file.as_uri())
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= size[0], f"{file.relative_to(site)} is {width} pixels wide"
        # A table that scrolls by itself is not read on a phone.
        wide = browser.execute_script(
            "return [...document.querySelectorAll('.table-wrapper')]"
            ".filter(e => e.scrollWidth > e.clientWidth + 1).length"
        )
        assert not wide, f"{file.relative_to(site)}: {wide} tables scroll"


@pytest.mark.browser
def test_a_row_of_a_table_is_a_card_on_a_phone_with_the_heading_in_each_cell(
    site: Path, browser: Any
) -> None:
    resize(browser, PHONE)
    browser.get((site / "reference/exceptions.html").as_uri())
    shown = browser.execute_script(
        "const cell = document.querySelector('td[data-head=reason]');"
        "return [getComputedStyle(cell).display, getComputedStyle(cell, '::before').content]"
    )
    assert shown[0] == "block"
    assert "reason" in shown[1]


def test_the_pictures_of_the_portal_are_those_that_its_browser_tests_take() -> None:
    script = runpy.run_path(str(ROOT / "scripts/portal_pictures.py"))
    shown = {file.name for file in (DOCS / "pictures").glob("*.png")}
    assert shown == set(script["names"]())
    tests = (ROOT / "examples/portal/tests/test_browser.py").read_text(encoding="utf-8")
    for name in shown:
        taken = re.sub(r"^dark-|-(phone|desktop)\.png$", "", name)
        assert f'"{taken}"' in tests, f"no test takes the picture '{taken}'"
