"""The moving picture of the documentation's first page can be made again, and is small."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
from tests.chromium import give_up

image = pytest.importorskip("PIL.Image", reason="the picture is put together with Pillow")

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SCRIPT: dict[str, Any] = runpy.run_path(str(ROOT / "scripts/portal_film.py"))
LIMIT = 1_000_000  # bytes


def scenes_of(file: Path) -> int:
    assert file.stat().st_size < LIMIT
    with image.open(file) as film:
        assert film.size == SCRIPT["SIZE"]
        assert film.info["loop"] > 0, "it never stands still"
        scenes: int = film.n_frames
    return scenes


def test_the_picture_moves_is_below_a_megabyte_and_comes_to_an_end() -> None:
    assert scenes_of(SCRIPT["FILM"]) == 6


@pytest.mark.browser
def test_the_picture_can_be_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("flask_wtf", reason="the portal uses Flask-WTF")
    pytest.importorskip("selenium", reason="drives a browser")
    monkeypatch.syspath_prepend(str(ROOT / "examples/portal"))
    file = tmp_path / "portal.webp"
    if SCRIPT["main"]([str(file)]) != 0:
        give_up(capsys.readouterr().out)
    assert scenes_of(file) == 6
