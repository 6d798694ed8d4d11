from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, session

from flask_login import (
    FlaskLoginClient,
    LoginManager,
    MissingLoginManager,
    UserMixin,
    current_user,
    fresh_login_required,
    login_required,
)


class Account(UserMixin):
    def __init__(self, user_id: str) -> None:
        self.id = user_id


ALICE, BOB = Account("alice"), Account("bob")
PROTECTION = pytest.mark.parametrize("protection", [None, "basic", "strong"])


@pytest.fixture
def guarded_app(app: Flask) -> Flask:
    app.test_client_class = FlaskLoginClient

    @app.get("/guarded")
    @login_required
    def guarded() -> str:
        return f"welcome {current_user.get_id()}"

    @app.get("/guarded/fresh")
    @fresh_login_required
    def guarded_fresh() -> str:
        return f"welcome back {current_user.get_id()}"

    return app


def make_client(app: Flask, **arguments: Any) -> FlaskLoginClient:
    client = app.test_client(**arguments)
    assert isinstance(client, FlaskLoginClient)
    return client


def test_a_client_without_a_user_is_nobody(guarded_app: Flask) -> None:
    assert make_client(guarded_app).get("/guarded").status_code == 401
    assert make_client(guarded_app, user=None).get("/guarded").status_code == 401


@PROTECTION
@pytest.mark.parametrize("user_agent", [None, "Browser/1.0"])
def test_a_client_made_with_a_user_is_logged_in_and_fresh(
    guarded_app: Flask, protection: str | None, user_agent: str | None
) -> None:
    guarded_app.config["SESSION_PROTECTION"] = protection
    client = make_client(guarded_app, user=ALICE)
    headers = {"User-Agent": user_agent} if user_agent else {}
    for _ in range(2):
        assert client.get("/guarded", headers=headers).text == "welcome alice"
        assert client.get("/guarded/fresh", headers=headers).text == "welcome back alice"


@PROTECTION
@pytest.mark.parametrize("attribute", [True, False])
def test_fresh_login_decides_whether_the_login_is_fresh(
    guarded_app: Flask, login_manager: LoginManager[Any], protection: str | None, attribute: bool
) -> None:
    if attribute:
        login_manager.session_protection = protection
    else:
        guarded_app.config["SESSION_PROTECTION"] = protection
    fresh = make_client(guarded_app, user=ALICE, fresh_login=True)
    assert fresh.get("/guarded/fresh").status_code == 200
    stale = make_client(guarded_app, user=ALICE, fresh_login=False)
    assert stale.get("/guarded/fresh").status_code == 401
    assert stale.get("/guarded").status_code == 200


def test_the_client_can_be_used_without_being_the_app_s_class(guarded_app: Flask) -> None:
    client = FlaskLoginClient(guarded_app, guarded_app.response_class, user=ALICE)
    assert client.get("/guarded").text == "welcome alice"


def test_other_arguments_are_those_of_flask_s_client(guarded_app: Flask) -> None:
    client = make_client(guarded_app, user=ALICE, use_cookies=True)
    client.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    assert client.get("/guarded").status_code == 200


def test_the_client_works_as_a_context_manager(guarded_app: Flask) -> None:
    with make_client(guarded_app, user=ALICE) as client:
        assert client.get("/guarded").text == "welcome alice"
        assert current_user.get_id() == "alice"
        assert session["_user_id"] == "alice"


def test_the_session_can_be_written_beside_the_login(guarded_app: Flask) -> None:
    client = make_client(guarded_app, user=ALICE)
    with client.session_transaction() as sess:
        sess["cart"] = ["book"]
    assert client.get("/guarded").text == "welcome alice"
    client.logout()
    with client.session_transaction() as sess:
        assert dict(sess) == {"cart": ["book"]}


def test_clients_of_one_app_are_different_browsers(guarded_app: Flask) -> None:
    alice, bob, nobody = (
        make_client(guarded_app, user=ALICE),
        make_client(guarded_app, user=BOB),
        make_client(guarded_app),
    )
    assert alice.get("/me").text == "alice"
    assert bob.get("/me").text == "bob"
    assert nobody.get("/me").text == "nobody"


@PROTECTION
def test_clients_are_different_browsers_in_one_long_app_context_too(
    guarded_app: Flask, protection: str | None
) -> None:
    guarded_app.config["SESSION_PROTECTION"] = protection
    with guarded_app.app_context():
        assert make_client(guarded_app, user=ALICE).get("/me").text == "alice"
        assert make_client(guarded_app).get("/me").text == "nobody"
        assert make_client(guarded_app, user=BOB).get("/me").text == "bob"


# login and logout


@PROTECTION
def test_a_client_logs_in_and_out_as_it_goes(guarded_app: Flask, protection: str | None) -> None:
    guarded_app.config["SESSION_PROTECTION"] = protection
    client = make_client(guarded_app)
    client.login(ALICE)
    assert client.get("/guarded/fresh").text == "welcome back alice"
    client.login(BOB, fresh_login=False)
    assert client.get("/guarded").text == "welcome bob"
    assert client.get("/guarded/fresh").status_code == 401
    client.login(ALICE)
    assert client.get("/guarded/fresh").text == "welcome back alice"
    client.logout()
    assert client.get("/guarded").status_code == 401
    client.logout()
    assert client.get("/me").text == "nobody"


def test_logout_ends_a_login_of_the_app_s_own_view(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    client.get("/login/alice")
    client.logout()
    assert client.get("/me").text == "nobody"


def test_logout_ends_a_remembered_login_too(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    client.get("/login/alice?remember")
    client.logout()
    assert client.get("/me").text == "nobody"


def test_a_login_over_a_remembered_one_is_that_of_its_own_user(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    client.get("/login/alice?remember")
    client.login(BOB)
    assert client.get("/guarded/fresh").text == "welcome back bob"


def test_the_user_s_id_is_asked_for_where_the_manager_says(
    guarded_app: Flask, login_manager: LoginManager[Any]
) -> None:
    class Other:
        is_active = is_authenticated = True
        is_anonymous = False

        def public_id(self) -> str:
            return "alice"

    login_manager.id_attribute = "public_id"
    assert make_client(guarded_app, user=Other()).get("/guarded").status_code == 200


def test_a_user_with_an_auth_hash_stays_logged_in(
    guarded_app: Flask, users: dict[str, Any]
) -> None:
    class Careful(Account):
        def get_session_auth_hash(self) -> str:
            return "hash of the password"

    users["alice"] = Careful("alice")
    client = make_client(guarded_app, user=users["alice"])
    for _ in range(2):
        assert client.get("/guarded/fresh").text == "welcome back alice"


# with client.user(user):


@PROTECTION
def test_a_client_is_a_user_inside_of_a_block_only(
    guarded_app: Flask, protection: str | None
) -> None:
    guarded_app.config["SESSION_PROTECTION"] = protection
    client = make_client(guarded_app)
    with client.user(ALICE) as same:
        assert same is client
        assert client.get("/guarded/fresh").text == "welcome back alice"
    assert client.get("/guarded").status_code == 401


@PROTECTION
def test_after_the_block_the_client_is_who_it_was_and_as_fresh(
    guarded_app: Flask, protection: str | None
) -> None:
    guarded_app.config["SESSION_PROTECTION"] = protection
    client = make_client(guarded_app, user=ALICE, fresh_login=False)
    with client.user(BOB):
        assert client.get("/guarded/fresh").text == "welcome back bob"
        with client.user(ALICE, fresh_login=True):
            assert client.get("/guarded/fresh").text == "welcome back alice"
        assert client.get("/guarded/fresh").text == "welcome back bob"
    assert client.get("/guarded").text == "welcome alice"
    assert client.get("/guarded/fresh").status_code == 401


def test_a_block_may_say_that_the_login_is_not_fresh(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    with client.user(ALICE, fresh_login=False):
        assert client.get("/guarded").status_code == 200
        assert client.get("/guarded/fresh").status_code == 401


def test_a_failing_test_leaves_the_client_who_it_was(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    with pytest.raises(ZeroDivisionError), client.user(ALICE):
        raise ZeroDivisionError
    assert client.get("/me").text == "nobody"


def test_a_logout_inside_of_the_block_does_not_come_back_after_it(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    with client.user(ALICE):
        client.get("/logout")
        assert client.get("/me").text == "nobody"
    assert client.get("/me").text == "nobody"


def test_a_remembered_login_inside_of_the_block_does_not_stay_after_it(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    with client.user(BOB):
        client.get("/login/alice?remember")
        assert client.get("/me").text == "alice"
    assert client.get("/me").text == "nobody"


# Realms


@pytest.fixture
def two_realms(guarded_app: Flask) -> Flask:
    staff: LoginManager[Any] = LoginManager(guarded_app, name="staff")
    staff.user_loader(Account)

    @guarded_app.get("/staff")
    @staff.fresh_login_required
    def staff_home() -> str:
        return f"at work: {staff.current_user.get_id()}"

    return guarded_app


@PROTECTION
def test_a_client_can_be_logged_in_to_any_realm(two_realms: Flask, protection: str | None) -> None:
    two_realms.config["SESSION_PROTECTION"] = protection
    client = make_client(two_realms, user=BOB, realm="staff")
    assert client.get("/staff").text == "at work: bob"
    assert client.get("/me").text == "nobody"
    client.login(ALICE)
    assert client.get("/me").text == "alice"
    assert client.get("/staff").text == "at work: bob"
    client.logout()
    assert client.get("/me").text == "nobody"
    assert client.get("/staff").text == "at work: bob"
    client.logout(realm="staff")
    assert client.get("/staff").status_code == 401
    with client.user(ALICE, realm="staff"), client.user(BOB):
        assert client.get("/staff").text == "at work: alice"
        assert client.get("/me").text == "bob"
    assert client.get("/staff").status_code == 401
    assert client.get("/me").text == "nobody"


def test_a_realm_that_is_not_there_is_named_as_missing(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    with pytest.raises(MissingLoginManager):
        client.login(ALICE, realm="staff")
    with pytest.raises(MissingLoginManager):
        client.logout(realm="staff")
    with pytest.raises(MissingLoginManager), client.user(ALICE, realm="staff"):
        pass


def test_the_client_names_the_realm_that_is_not_there(guarded_app: Flask) -> None:
    with pytest.raises(MissingLoginManager, match="realm 'staf'") as caught:
        make_client(guarded_app, user=ALICE, realm="staf")
    assert caught.value.realm == "staf"


def test_after_the_block_a_remembered_client_is_remembered_again(guarded_app: Flask) -> None:
    client = make_client(guarded_app)
    client.get("/login/alice?remember")
    before = client.get_cookie("remember_token")
    assert before is not None
    with client.user(BOB):
        assert client.get("/me").text == "bob"
    assert client.get("/me").text == "alice"
    after = client.get_cookie("remember_token")
    assert after is not None
    assert after.value == before.value
    client.delete_cookie("session")
    assert client.get("/me").text == "alice"


def test_an_app_without_a_manager_is_told_so() -> None:
    app = Flask(__name__)
    app.secret_key = "secret"
    app.test_client_class = FlaskLoginClient
    make_client(app)
    with pytest.raises(MissingLoginManager, match="LoginManager") as caught:
        make_client(app, user=ALICE)
    assert caught.value.app_name == app.name
