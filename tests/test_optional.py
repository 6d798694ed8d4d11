"""Optional dependencies: missing, too old, broken and hidden ones are told apart."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flask_login.optional import library


def load() -> object:
    return library("shop_client", "5", by="ShopStore", title="shop-client", extra="redis")


@pytest.fixture(autouse=True)
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_client", raising=False)
    return tmp_path


def write(path: Path, text: str) -> None:
    (path / "shop_client.py").write_text(text, encoding="utf-8")


def test_a_library_that_is_new_enough_is_returned(path: Path) -> None:
    write(path, "__version__ = '5.1'")
    assert load() is sys.modules["shop_client"]


def test_a_missing_library_is_told_with_the_command_that_installs_it() -> None:
    with pytest.raises(ImportError) as caught:
        load()
    assert str(caught.value) == (
        "ShopStore needs shop-client 5 or newer, found: none. Install it with: pip install"
        ' "Flask-Login[redis]"'
    )
    assert caught.value.name == "shop_client"


def test_an_old_library_is_told_with_its_version(path: Path) -> None:
    write(path, "__version__ = '4.6.0'")
    with pytest.raises(ImportError, match=r"found: 4\.6\.0\. Install it with: pip install"):
        load()


@pytest.mark.parametrize(
    ("text", "cause", "name"),
    [
        ("import a_part_of_it", "No module named 'a_part_of_it'", "a_part_of_it"),
        ("from json import a_part_of_it", "cannot import name 'a_part_of_it'", "json"),
        ("raise ImportError('broken')", r"\(broken\)", "shop_client"),
    ],
)
def test_a_library_that_is_there_but_lacks_a_part_is_not_called_missing(
    path: Path, text: str, cause: str, name: str
) -> None:
    write(path, text)
    with pytest.raises(ImportError, match=cause) as caught:
        load()
    said = str(caught.value)
    assert said.startswith(
        "ShopStore needs shop-client 5 or newer, found: one that can't be imported"
    )
    assert said.endswith('pip install --force-reinstall "Flask-Login[redis]"')
    assert caught.value.name == name


def test_a_file_of_the_application_that_hides_the_library_is_named(path: Path) -> None:
    write(path, "users = {}")
    with pytest.raises(ImportError, match=r"shop_client\.py\). Rename it: it hides the library"):
        load()


def test_a_folder_that_hides_the_library_is_named(path: Path) -> None:
    (path / "shop_client").mkdir()
    with pytest.raises(ImportError, match="that is another's .*shop_client.*Rename it"):
        load()
