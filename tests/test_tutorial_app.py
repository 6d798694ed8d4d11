"""The application that everybody writes from memory, as tutorials of twelve years teach it.

Nothing in it knows of this release: it must run as it stands.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import (
    Blueprint,
    Flask,
    Request,
    flash,
    g,
    jsonify,
    redirect,
    render_template_string,
    request,
    url_for,
)
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from tests.redirect_status import REDIRECT

from flask_login import (
    FlaskLoginClient,
    LoginManager,
    UserMixin,
    confirm_login,
    current_user,
    fresh_login_required,
    login_required,
    login_user,
    logout_user,
    user_loaded_from_request,
)

app = Flask(__name__)
app.config["SECRET_KEY"] = "you-will-never-guess"
app.config["TESTING"] = True
app.test_client_class = FlaskLoginClient

login_manager: LoginManager[Any] = LoginManager()
login_manager.init_app(app)
login_manager.login_view = "login"
login_manager.refresh_view = "reauthenticate"


class User(UserMixin):
    def __init__(self, id: int, name: str, password: str, active: bool = True) -> None:  # noqa: A002  # the mixin's own name for it
        self.id = id
        self.name = name
        self.password = password
        self.api_key = f"key-of-{name}"
        self.active = active

    # Methods where the mixin has properties: half of the tutorials write it like this.
    def is_active(self) -> bool:  # type: ignore[override]  # that is what is tested
        return self.active

    def is_authenticated(self) -> bool:  # type: ignore[override]  # as above
        return True

    def is_anonymous(self) -> bool:  # type: ignore[override]  # as above
        return False


USERS = {
    1: User(1, "alice", "wonderland"),
    2: User(2, "bob", "builder"),
    3: User(3, "carol", "singer", active=False),
}
USER_NAMES = {user.name: user for user in USERS.values()}


@login_manager.user_loader
def load_user(user_id: str) -> User | None:
    return USERS.get(int(user_id))


@login_manager.request_loader
def load_user_from_request(request: Request) -> User | None:
    api_key = request.args.get("api_key")
    header = request.headers.get("Authorization", "")
    if header.startswith("Basic "):
        try:
            name, _, password = base64.b64decode(header[6:]).decode().partition(":")
        except ValueError:
            return None
        user = USER_NAMES.get(name)
        return user if user is not None and user.password == password else None
    if header.startswith("Bearer "):
        api_key = header[7:]
    return next((user for user in USERS.values() if user.api_key == api_key), None)


@user_loaded_from_request.connect
def on_user_loaded_from_request(app: Flask, user: User | None = None) -> None:
    g.login_via_request = True


class CustomSessionInterface(SecureCookieSessionInterface):
    """Make no session for API callers."""

    def save_session(self, *args: Any, **kwargs: Any) -> None:
        if g.get("login_via_request"):
            return
        super().save_session(*args, **kwargs)


app.session_interface = CustomSessionInterface()


@login_manager.unauthorized_handler
def unauthorized() -> ResponseReturnValue:
    if request.blueprint == "api":
        return jsonify(error="Unauthorized"), 401
    flash("You must be logged in.")
    return redirect(url_for("login", next=request.path))


@app.route("/")
def index() -> str:
    return render_template_string(
        "{% if current_user.is_authenticated %}Hello {{ current_user.name }}"
        "{% else %}Hello stranger{% endif %}"
    )


@app.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    if request.method == "POST":
        user = USER_NAMES.get(request.form["username"])
        if user is not None and user.password == request.form["password"]:
            if login_user(user, remember="remember" in request.form):
                return redirect(request.args.get("next") or url_for("index"))
            return "This account is suspended.", 403
        return "Wrong name or password.", 401
    return "<form method=post>...</form>"


@app.route("/reauthenticate", methods=["GET", "POST"])
@login_required
def reauthenticate() -> ResponseReturnValue:
    if request.method == "POST" and request.form["password"] == current_user.password:
        confirm_login()
        return redirect(url_for("settings"))
    return "<form method=post>...</form>"


@app.route("/logout")
@login_required
def logout() -> ResponseReturnValue:
    logout_user()
    return redirect(url_for("index"))


@app.route("/profile")
@login_required
def profile() -> str:
    return f"Profile of {current_user.name}"


@app.route("/settings")
@fresh_login_required
def settings() -> str:
    return f"Settings of {current_user.name}"


api = Blueprint("api", __name__, url_prefix="/api")


@api.route("/me")
@login_required
def api_me() -> ResponseReturnValue:
    return jsonify(id=current_user.id, name=current_user.name)


app.register_blueprint(api)


# The fixtures that stand in everybody's conftest.py.


@pytest.fixture(params=[None, "basic", "strong"])
def protection(request: pytest.FixtureRequest) -> Iterator[str | None]:
    mode: str | None = request.param
    app.config["SESSION_PROTECTION"] = mode
    yield mode
    del app.config["SESSION_PROTECTION"]


@pytest.fixture
def user() -> User:
    return USERS[1]


@pytest.fixture
def client() -> FlaskLoginClient:
    return make_client()


@pytest.fixture
def logged_in_client(user: User) -> FlaskLoginClient:
    return make_client(user=user)


@pytest.fixture
def stale_client(user: User) -> FlaskLoginClient:
    return make_client(user=user, fresh_login=False)


def make_client(**arguments: Any) -> FlaskLoginClient:
    client = app.test_client(**arguments)
    assert isinstance(client, FlaskLoginClient)
    return client


def log_in(client: FlaskLoginClient, name: str = "alice", **form: str) -> Any:
    data = {"username": name, "password": USER_NAMES[name].password, **form}
    return client.post("/login", data=data)


# The pages


def test_a_stranger_is_sent_to_log_in_and_comes_back(client: FlaskLoginClient) -> None:
    assert client.get("/").text == "Hello stranger"
    response = client.get("/profile")
    assert response.location == "/login?next=/profile"
    response = client.post(response.location, data={"username": "alice", "password": "wonderland"})
    assert response.location == "/profile"
    assert client.get("/profile").text == "Profile of alice"
    assert client.get("/").text == "Hello alice"
    assert client.get("/logout").location == "/"
    assert client.get("/").text == "Hello stranger"
    assert client.get("/profile").status_code == REDIRECT


def test_a_wrong_password_logs_nobody_in(client: FlaskLoginClient) -> None:
    response = client.post("/login", data={"username": "alice", "password": "looking-glass"})
    assert response.status_code == 401
    assert client.get("/").text == "Hello stranger"


def test_a_suspended_user_can_t_log_in_although_is_active_is_a_method(
    client: FlaskLoginClient,
) -> None:
    assert log_in(client, "carol").status_code == 403
    assert client.get("/").text == "Hello stranger"


def test_a_user_who_is_suspended_while_logged_in_is_out_on_the_next_request(
    client: FlaskLoginClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(client, "bob")
    assert client.get("/profile").text == "Profile of bob"
    monkeypatch.setattr(USERS[2], "active", False)
    assert client.get("/profile").status_code == REDIRECT


def test_a_remembered_user_is_known_but_must_prove_who_they_are_for_the_settings(
    client: FlaskLoginClient,
) -> None:
    log_in(client, remember="on")
    assert client.get("/settings").text == "Settings of alice"
    client.delete_cookie("session")  # the browser was closed
    assert client.get("/profile").text == "Profile of alice"
    assert client.get("/settings").location == "/reauthenticate?next=%2Fsettings"
    client.post("/reauthenticate", data={"password": "looking-glass"})
    assert client.get("/settings").status_code == REDIRECT
    assert client.post("/reauthenticate", data={"password": "wonderland"}).location == "/settings"
    assert client.get("/settings").text == "Settings of alice"


def test_a_session_of_which_the_loader_can_make_no_number_is_nobody_s(
    client: FlaskLoginClient,
) -> None:
    with client.session_transaction() as sess:
        sess["_user_id"] = "alice"
    assert client.get("/").text == "Hello stranger"


# The API


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?api_key=key-of-alice", {}),
        ("", {"Authorization": basic("alice", "wonderland")}),
        ("", {"Authorization": "Bearer key-of-alice"}),
    ],
)
def test_an_api_caller_is_known_by_what_it_sends_and_gets_no_session(
    client: FlaskLoginClient, query: str, headers: dict[str, str]
) -> None:
    for path in ("/api/me", "/profile"):
        response = client.get(path + query, headers=headers)
        assert response.status_code == 200
        assert "alice" in response.text
        assert "Set-Cookie" not in response.headers
    assert client.get("/api/me").status_code == 401


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("?api_key=", {}),
        ("?api_key=key-of-mallory", {}),
        ("?api_key=key-of-carol", {}),
        ("", {"Authorization": basic("alice", "looking-glass")}),
        ("", {"Authorization": basic("mallory", "")}),
        ("", {"Authorization": basic("carol", "singer")}),
        ("", {"Authorization": "Basic ???"}),
        ("", {"Authorization": "Bearer "}),
        ("", {"Authorization": "Bearer key-of-mallory"}),
        ("", {"Cookie": "remember_token=junk"}),
    ],
)
def test_any_other_api_caller_gets_the_app_s_own_json(
    client: FlaskLoginClient, query: str, headers: dict[str, str]
) -> None:
    response = client.get("/api/me" + query, headers=headers)
    assert response.status_code == 401
    assert response.get_json() == {"error": "Unauthorized"}
    assert not response.headers.get("Set-Cookie", "").startswith("session=")


def test_a_junk_remember_cookie_does_not_keep_an_api_key_from_counting(
    client: FlaskLoginClient,
) -> None:
    client.set_cookie("remember_token", "1|junk")
    assert client.get("/api/me?api_key=key-of-bob").get_json() == {"id": 2, "name": "bob"}


def test_a_page_s_own_calls_of_the_api_are_known_by_the_session(client: FlaskLoginClient) -> None:
    log_in(client)
    headers = {"Sec-Fetch-Mode": "cors", "Accept": "*/*"}
    assert client.get("/api/me", headers=headers).get_json() == {"id": 1, "name": "alice"}


# The tests that people write, in both styles, under every mode of session protection


@pytest.mark.usefixtures("protection")
def test_with_client_user(client: FlaskLoginClient, user: User) -> None:
    with client.user(user):
        assert client.get("/profile").text == "Profile of alice"
        assert client.get("/settings").text == "Settings of alice"
    assert client.get("/profile").status_code == REDIRECT
    with client.user(user, fresh_login=False):
        assert client.get("/profile").text == "Profile of alice"
        assert client.get("/settings").location == "/reauthenticate?next=%2Fsettings"


@pytest.mark.usefixtures("protection")
def test_app_test_client_with_a_user(user: User) -> None:
    with app.test_client(user=user) as client:
        assert client.get("/profile").text == "Profile of alice"
        assert client.get("/settings").text == "Settings of alice"
        assert current_user.name == "alice"


@pytest.mark.usefixtures("protection")
@pytest.mark.parametrize(("fresh_login", "status"), [(True, 200), (False, REDIRECT)])
def test_app_test_client_with_and_without_a_fresh_login(
    user: User, fresh_login: bool, status: int
) -> None:
    client = app.test_client(user=user, fresh_login=fresh_login)
    assert client.get("/profile").status_code == 200
    assert client.get("/settings").status_code == status


@pytest.mark.usefixtures("protection")
def test_a_stale_client_that_proves_who_it_is_becomes_fresh(user: User) -> None:
    client = app.test_client(user=user, fresh_login=False)
    assert client.get("/settings").status_code == REDIRECT
    client.post("/reauthenticate", data={"password": "wonderland"})
    assert client.get("/settings").text == "Settings of alice"


@pytest.mark.usefixtures("protection")
def test_the_fixtures_give_a_stranger_a_user_and_a_stale_user(
    client: FlaskLoginClient, logged_in_client: FlaskLoginClient, stale_client: FlaskLoginClient
) -> None:
    assert client.get("/profile").status_code == REDIRECT
    assert logged_in_client.get("/settings").text == "Settings of alice"
    assert stale_client.get("/profile").text == "Profile of alice"
    assert stale_client.get("/settings").status_code == REDIRECT
    assert client.get("/").text == "Hello stranger"


@pytest.mark.usefixtures("protection")
def test_the_shortcut_through_the_session_logs_in(client: FlaskLoginClient, user: User) -> None:
    with client.session_transaction() as sess:
        sess["_user_id"] = user.get_id()
        sess["_fresh"] = True
    assert client.get("/settings").text == "Settings of alice"
    assert client.get("/settings").text == "Settings of alice"


@pytest.mark.parametrize("wrap", [app.app_context, app.test_request_context])
def test_two_clients_in_a_context_that_a_fixture_pushed_are_two_browsers(
    user: User, wrap: Callable[[], Any]
) -> None:
    with wrap():
        assert app.test_client(user=user).get("/").text == "Hello alice"
        assert app.test_client(user=USERS[2]).get("/").text == "Hello bob"
        assert app.test_client().get("/").text == "Hello stranger"
