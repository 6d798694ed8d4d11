"""The quick start of the README is an application that logs in, protects and logs out."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from tests.redirect_status import REDIRECT

from flask_login import __version__

README = Path(__file__).parent.parent / "README.md"


def quick_start() -> str:
    """Return the first Python block of the README."""
    found = re.search(
        r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert found is not None
    return found[1]


@pytest.fixture
def app() -> Flask:
    names: dict[str, Any] = {"__name__": "quick_start"}
    exec(compile(quick_start(), str(README), "exec"), names)  # noqa: S102  # our own README
    app: Flask = names["app"]
    app.testing = True
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def log_in(client: FlaskClient, url: str = "/login", **fields: str) -> Any:
    return client.post(url, data={"name": "ann", "password": "correct horse", **fields})


def test_the_readme_names_the_supported_versions() -> None:
    package, readme = metadata("Flask-Login"), README.read_text("utf-8")
    pythons = [
        classifier.rpartition(" ")[2]
        for classifier in package.get_all("Classifier") or []
        if re.search(r"Python :: 3\.\d+$", classifier)
    ]
    assert f"Python {pythons[0]} to {pythons[-1]} and Flask 2.3 or newer" in readme
    assert package["Requires-Python"] == f">={pythons[0]}"
    assert "flask>=2.3" in [each.lower() for each in package.get_all("Requires-Dist") or []]
    for extra in package.get_all("Provides-Extra") or []:
        assert f"Flask-Login[{extra}]" in readme


def test_the_readme_takes_a_minute_to_read() -> None:
    assert len(README.read_text("utf-8").split()) < 700


def test_the_readme_names_the_release_that_it_is_of() -> None:
    assert f"Version {__version__} ·" in README.read_text("utf-8")


def test_the_quick_start_stays_short() -> None:
    statements = [line for line in quick_start().splitlines() if line.strip()]
    assert len(statements) <= 36


def test_the_quick_start_sends_a_stranger_to_the_login_page_and_back(client: FlaskClient) -> None:
    refused = client.get("/")
    assert refused.status_code == REDIRECT
    assert refused.location == "/login?next=%2F"
    assert "<form" in client.get(refused.location).text

    answer = log_in(client, refused.location)
    assert answer.status_code == REDIRECT
    assert answer.location == "/"
    assert "Hello, ann!" in client.get("/").text


def test_the_quick_start_lets_nobody_in_with_a_wrong_name_or_password(client: FlaskClient) -> None:
    assert log_in(client, password="wrong").status_code == 200
    assert log_in(client, name="bob").status_code == 200
    assert client.get("/").status_code == REDIRECT


def test_the_quick_start_redirects_to_no_other_site(client: FlaskClient) -> None:
    assert log_in(client, "/login?next=//evil.example/").location == "/"


def test_the_quick_start_logs_out(client: FlaskClient) -> None:
    log_in(client, remember="on")
    assert client.get_cookie("remember_token") is not None
    assert client.post("/logout").location == "/login"
    assert client.get("/").status_code == REDIRECT
    assert client.get_cookie("remember_token") is None


def test_the_quick_start_remembers_a_browser_that_was_closed(client: FlaskClient) -> None:
    log_in(client, remember="on")
    client.delete_cookie("session")
    assert "Hello, ann!" in client.get("/").text


def test_the_quick_start_forgets_a_browser_that_did_not_ask_to_be_remembered(
    client: FlaskClient,
) -> None:
    log_in(client)
    client.delete_cookie("session")
    assert client.get("/").status_code == REDIRECT
