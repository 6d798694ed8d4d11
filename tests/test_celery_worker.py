"""The page on background jobs, with a Celery worker and a Redis between."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from tests.deadlines import at_most
from tests.processes import running, wait_for
from tests.stores.servers_redis import single

from flask_login import FlaskLoginClient

pytest.importorskip("celery", reason="the page is about Celery")
pytest.importorskip("redis", reason="the page's broker is Redis")

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "how-to/background-jobs.md").read_text(encoding="utf-8")


def command_of_the_page() -> list[str]:
    (block,) = re.findall(r"^~~~sh\n(.*)\n~~~$", PAGE, re.MULTILINE)
    words = shlex.split(block)
    assert words[0] == "celery"
    return [sys.executable, "-m", *words]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Return the page's application, with a Redis for a broker; the worker is started beside it."""
    shutil.copy(DOCS / "examples/celery/app.py", tmp_path)
    with single() as redis:
        monkeypatch.setenv("BROKER", redis.url)
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(str(tmp_path))
        sys.modules.pop("app", None)
        module = importlib.import_module("app")
        try:
            yield module
        finally:
            module.celery.close()
            del sys.modules["app"]


def test_a_worker_started_as_the_page_says_works_for_the_user_who_asked(
    module: ModuleType, tmp_path: Path
) -> None:
    module.app.test_client_class = FlaskLoginClient
    with running(command_of_the_page(), tmp_path, ready=lambda _: True) as log:
        module.send_report.delay("somebody who was deleted since")
        client = module.app.test_client(user=module.users["ann"])
        assert client.post("/report").status_code == 202
        wait_for("the job is done", lambda: "report for ann" in log.read_text(), log)
    assert log.read_text().count("report for") == 1
    assert "Traceback" not in log.read_text()


@pytest.mark.usefixtures("module")
def test_a_worker_started_by_the_module_s_name_alone_ends_as_the_page_says(
    tmp_path: Path,
) -> None:
    command = command_of_the_page()
    command[command.index("app:celery")] = "app"
    ended = subprocess.run(  # noqa: S603  # the page's command without the colon
        command,
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=at_most(60),
    )
    assert ended.returncode != 0
    assert "AttributeError" in ended.stderr
