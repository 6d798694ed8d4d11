"""The page "Run behind a proxy" is true of real nginx, HAProxy and gunicorn."""

from __future__ import annotations

import http.client
import re
import shlex
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.deadlines import at_most
from tests.processes import accepts, program, running
from tests.stores.servers import LOOPBACK, free_port

pytest.importorskip("gunicorn", reason="the page's application is served by gunicorn")

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("servers")]

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "how-to/behind-a-proxy.md").read_text(encoding="utf-8")
EXAMPLE = DOCS / "examples/behind-a-proxy"
#: Not the address of the proxies, which all have 127.0.0.1.
VISITOR = "127.0.0.2"

FRONTS = ["nginx", "haproxy"]
SCHEMES = ["http", "https"]
FORGED = {
    "X-Forwarded-For": "203.0.113.66",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
}


class Answer(NamedTuple):
    """What came back."""

    status: int
    text: str
    cookies: list[str]
    location: str | None


class Site(NamedTuple):
    """A site by http and by https, on ports that are not the usual ones."""

    http: int
    https: int

    def ask(
        self, scheme: str, method: str, target: str, *, host: str | None = None, **headers: str
    ) -> Answer:
        """Send a request as a visitor with an address of their own does."""
        port, source = getattr(self, scheme), (VISITOR, 0)
        link: http.client.HTTPConnection
        if scheme == "https":
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            link = http.client.HTTPSConnection(
                LOOPBACK, port, source_address=source, context=context, timeout=at_most(20)
            )
        else:
            link = http.client.HTTPConnection(
                LOOPBACK, port, source_address=source, timeout=at_most(20)
            )
        with closing(link):
            link.request(method, target, headers={"Host": host or self.host(scheme), **headers})
            answer = link.getresponse()
            cookies = answer.headers.get_all("Set-Cookie") or []
            text, location = answer.read().decode(), answer.headers["Location"]
            return Answer(answer.status, text, cookies, location)

    def host(self, scheme: str) -> str:
        """Return what a browser sends as Host."""
        return f"shop.example:{getattr(self, scheme)}"


# The application


#: What the page's applications have no view for.
MORE = """
from flask_login import safe_next_url

@app.get("/next")
def next_page():
    return safe_next_url("/lost")


bare = Flask("bare")
bare.secret_key = app.secret_key
LoginManager(bare).user_loader(load_user)
bare.add_url_rule("/login", view_func=login, methods=["POST"])

trusting = Flask("trusting")
trusting.config.update(SECRET_KEY=app.secret_key, TRUSTED_HOSTS=["shop.example"])
trusting.wsgi_app = ProxyFix(trusting.wsgi_app, x_for=1, x_proto=1, x_host=1)
trusting.add_url_rule("/host", view_func=lambda: request.host)
"""


def application_of_the_page() -> str:
    app, around, _, shop, *_ = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return f"{app}{around}{MORE}{shop}"


def commands_of_the_page() -> list[str]:
    blocks = re.findall(r"^~~~sh\n(.*?)^~~~$", PAGE, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


BELIEVES_LOOPBACK, BELIEVES_NOBODY = commands_of_the_page()

Gunicorn = Callable[[str, str], int]


@pytest.fixture(scope="module")
def gunicorn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    """Return a function that serves an application of the page by a command of the page."""
    folder = tmp_path_factory.mktemp("application")
    (folder / "app.py").write_text(application_of_the_page(), encoding="utf-8")
    started: dict[tuple[str, str], int] = {}
    with ExitStack() as stack:

        def serve(name: str, command: str = BELIEVES_LOOPBACK) -> int:
            if (name, command) not in started:
                port = free_port()
                words = shlex.split(command.replace(":8000", f":{port}"))
                assert (words[0], words[-1]) == ("gunicorn", "app:app")
                words = [sys.executable, "-m", *words[:-1], f"app:{name}"]
                # One that answers is also one that has imported the application.
                stack.enter_context(
                    running(words, folder, ready=lambda said: "Booting worker" in said)
                )
                started[name, command] = port
            return started[name, command]

        yield serve


# What stands in front


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate that nobody trusts, and its key."""
    x509 = pytest.importorskip("cryptography.x509", reason="a proxy with TLS has a certificate")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.example")])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("certificate") / "shop.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


def replaced(text: str, changes: dict[str, str]) -> str:
    """Put this machine's ports and files into a configuration of the page."""
    for old, new in changes.items():
        assert text.count(old) == 1, f"{old!r} in\n{text}"
        text = text.replace(old, new)
    return text


def nginx(folder: Path, site: Site, app: int, certificate: Path, *, path: bool) -> list[str]:
    server = (EXAMPLE / "nginx.conf").read_text(encoding="utf-8")
    if path:
        location = (EXAMPLE / "nginx-path.conf").read_text(encoding="utf-8")
        server, found = re.subn(
            r"^    location .*?^    }\n", location, server, flags=re.MULTILINE | re.DOTALL
        )
        assert found == 1
    server = replaced(
        server,
        {
            "listen 80;": f"listen {LOOPBACK}:{site.http};",
            "listen 443 ssl;": f"listen {LOOPBACK}:{site.https} ssl;",
            "/etc/ssl/shop.pem": str(certificate),
            "/etc/ssl/private/shop.key": str(certificate),
            "http://127.0.0.1:8000": f"http://127.0.0.1:{app}",
        },
    )
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off;\n{places}{server}}}\n"
    )
    return [program("nginx", "nginx-light"), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def haproxy(folder: Path, site: Site, app: int, certificate: Path, *, path: bool) -> list[str]:
    config = (EXAMPLE / "haproxy.cfg").read_text(encoding="utf-8")
    if path:
        config = config.partition("\nbackend shop\n")[0] + "\n"
        config += (EXAMPLE / "haproxy-path.cfg").read_text(encoding="utf-8")
    config = replaced(
        config,
        {
            "bind :80\n": f"bind {LOOPBACK}:{site.http}\n",
            "bind :443 ": f"bind {LOOPBACK}:{site.https} ",
            "/etc/ssl/private/shop.pem": str(certificate),
            "127.0.0.1:8000": f"127.0.0.1:{app}",
        },
    )
    times = "defaults\n    timeout connect 20s\n    timeout client 60s\n    timeout server 60s\n\n"
    (folder / "haproxy.cfg").write_text(times + config)
    return [program("haproxy", "haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


KINDS = {"nginx": nginx, "haproxy": haproxy}
Fronts = Callable[..., Site]


@pytest.fixture(scope="module")
def fronts(
    tmp_path_factory: pytest.TempPathFactory, certificate: Path, gunicorn: Gunicorn
) -> Iterator[Fronts]:
    """Return a function that puts a proxy, set up as on the page, before an application."""
    started: dict[tuple[str, str], Site] = {}
    with ExitStack() as stack:

        def start(kind: str, name: str = "app") -> Site:
            if (kind, name) not in started:
                folder, app = tmp_path_factory.mktemp(kind), gunicorn(name, BELIEVES_LOOPBACK)
                site = Site(free_port(), free_port())
                command = KINDS[kind](folder, site, app, certificate, path=name == "shop")
                stack.enter_context(
                    running(
                        command,
                        folder,
                        ready=lambda _: accepts(site.http) and accepts(site.https),
                    )
                )
                started[kind, name] = site
            return started[kind, name]

        yield start


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("front", FRONTS)
def test_behind_the_page_s_proxy_the_application_sees_the_visitor_the_scheme_and_the_port(
    fronts: Fronts, front: str, scheme: str
) -> None:
    site = fronts(front)
    answer = site.ask(scheme, "POST", "/login")
    assert answer.text == f"{VISITOR} {scheme}://{site.host(scheme)}/login"
    # A site on the usual port, which browsers leave out.
    answer = site.ask(scheme, "POST", "/login", host="shop.example")
    assert answer.text == f"{VISITOR} {scheme}://shop.example/login"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("front", FRONTS)
def test_attack_headers_that_a_visitor_forges_don_t_get_past_the_page_s_proxy(
    fronts: Fronts, front: str, scheme: str
) -> None:
    site = fronts(front)
    other = "http" if scheme == "https" else "https"
    for forged in (FORGED, {**FORGED, "X-Forwarded-Proto": other}, {"X_Forwarded_Proto": other}):
        answer = site.ask(scheme, "POST", "/login", **forged)
        assert answer.text == f"{VISITOR} {scheme}://{site.host(scheme)}/login"
        remember = min(answer.cookies)
        assert remember.startswith("remember_token=")
        assert ("; Secure" in remember) is (scheme == "https")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("front", FRONTS)
def test_a_next_with_the_site_s_own_port_is_followed_and_with_another_is_not(
    fronts: Fronts, front: str, scheme: str
) -> None:
    site = fronts(front)
    own, other = f"{scheme}://{site.host(scheme)}/cart", f"{scheme}://shop.example:1/cart"
    assert site.ask(scheme, "GET", f"/next?next={own}").text == "/cart"
    assert site.ask(scheme, "GET", f"/next?next={other}").text == "/lost"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("front", FRONTS)
def test_under_a_path_the_way_to_the_login_page_has_it_and_a_forged_one_does_not_count(
    fronts: Fronts, front: str, scheme: str
) -> None:
    site = fronts(front, "shop")
    for forged in ({}, FORGED):
        answer = site.ask(scheme, "GET", "/shop/cart", **forged)
        assert (answer.status, answer.location) == (302, "/shop/login?next=%2Fshop%2Fcart")
    assert site.ask(scheme, "GET", "/shop/login?next=%2Fshop%2Fcart").text == "Log in."


@pytest.mark.parametrize("front", FRONTS)
def test_attack_a_host_in_the_request_line_gets_no_other_one_into_a_trusting_application(
    fronts: Fronts, front: str
) -> None:
    site = fronts(front, "trusting")
    assert site.ask("http", "GET", "/host").status == 200
    assert site.ask("http", "GET", "/host", host="evil.example").status == 400
    target = f"http://{site.host('http')}/host"
    assert site.ask("http", "GET", target, host="evil.example").status == 400


# gunicorn


def is_secure(link: http.client.HTTPConnection, **headers: str) -> bool:
    """Log in without a proxy between; return whether the remember cookie is Secure."""
    with closing(link):
        link.request("POST", "/login", headers=headers)
        answer = link.getresponse()
        assert answer.status == 200
        return "; Secure" in min(answer.headers.get_all("Set-Cookie") or [])


def by_tcp(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(LOOPBACK, port, timeout=at_most(20))


@pytest.mark.parametrize("name", ["app", "bare"])
@pytest.mark.parametrize(
    "header", ["X-Forwarded-Proto: https", "X-Forwarded-Protocol: ssl", "X-Forwarded-Ssl: on"]
)
def test_gunicorn_believes_a_proxy_of_its_own_machine_unless_it_is_told_not_to(
    gunicorn: Gunicorn, name: str, header: str
) -> None:
    field, _, value = header.partition(": ")
    believing, doubting = gunicorn(name, BELIEVES_LOOPBACK), gunicorn(name, BELIEVES_NOBODY)
    # Where ProxyFix is, it has the last word, and knows the first of these headers alone.
    assert is_secure(by_tcp(believing), **{field: value})
    assert not is_secure(by_tcp(believing))
    fixed = name == "app" and field == "X-Forwarded-Proto"
    assert is_secure(by_tcp(doubting), **{field: value}) is fixed


def test_gunicorn_believes_what_comes_by_a_unix_socket(
    tmp_path: Path,
) -> None:
    place = str(tmp_path / "socket")
    command = [sys.executable, "-m", "gunicorn", "--bind", f"unix:{place}", "app:bare"]
    (tmp_path / "app.py").write_text(application_of_the_page(), encoding="utf-8")
    with running(command, tmp_path, ready=lambda said: "Booting worker" in said):
        for headers, secure in (({}, False), ({"X-Forwarded-Proto": "https"}, True)):
            link = http.client.HTTPConnection("localhost", timeout=at_most(20))
            link.sock = socket.socket(socket.AF_UNIX)
            link.sock.connect(place)
            assert is_secure(link, **headers) is secure


@pytest.mark.parametrize("front", FRONTS)
def test_behind_a_proxy_of_the_same_machine_gunicorn_alone_knows_the_scheme_and_not_the_visitor(
    fronts: Fronts, front: str
) -> None:
    site = fronts(front, "bare")
    answer = site.ask("https", "POST", "/login")
    assert "; Secure" in min(answer.cookies)
    assert answer.text.startswith(f"{LOOPBACK} https://")
    assert "; Secure" not in min(site.ask("http", "POST", "/login").cookies)
