"""Passkeys: what the server takes, and what it must not; the browser's part is tested with it."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, encode_cbor
from werkzeug.test import TestResponse

from flask_login.testing import FrozenClock
from portal.login import login_sessions
from portal.models import db, find_user
from portal.passkeys import Passkey, handle
from portal_testing import MEMBER, PASSWORD, SESSION, Visitor, add_authenticator, add_user

PASSKEYS = "/account/passkeys/"
PRESENT, VERIFIED, SYNCABLE, NEW_KEY = 0x01, 0x04, 0x08, 0x40


class Device:
    """A device with one passkey, which signs whatever it is told to."""

    def __init__(self, flags: int = PRESENT | VERIFIED) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = hashlib.sha256(str(id(self)).encode()).digest()
        self.origin, self.flags, self.count = "http://localhost", flags, 0
        self.handle: bytes | None = None

    def data(self, extra: bytes = b"", flags: int = 0) -> bytes:
        host = self.origin.partition("://")[2]
        self.count += 1
        number = self.count.to_bytes(4, "big")
        return hashlib.sha256(host.encode()).digest() + bytes([self.flags | flags]) + number + extra

    def client_data(self, kind: str, challenge: str) -> bytes:
        said = {"type": f"webauthn.{kind}", "challenge": challenge, "origin": self.origin}
        return json.dumps(said).encode()

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        numbers = self.key.public_key().public_numbers()
        point = {-2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        cose = encode_cbor({1: 2, 3: -7, -1: 1, **point})
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self.data(attested, NEW_KEY)
        self.handle = base64url_to_bytes(options["user"]["id"])
        return self.answer(
            clientDataJSON=self.client_data("create", options["challenge"]),
            attestationObject=encode_cbor({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        data, said = self.data(), self.client_data("get", options["challenge"])
        signed = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self.answer(
            authenticatorData=data, clientDataJSON=said, signature=signed, userHandle=self.handle
        )

    def answer(self, **parts: bytes | None) -> dict[str, Any]:
        name = bytes_to_base64url(self.id)
        response = {key: bytes_to_base64url(value) for key, value in parts.items() if value}
        return {"id": name, "rawId": name, "type": "public-key", "response": response}


def send(visitor: Visitor, path: str, body: object, *, page: str) -> TestResponse:
    """What the script of ``page`` sends."""
    found = re.search(r'data-token="([^"]+)"', visitor.get(page).text)
    assert found, f"{page} has no button for passkeys"
    return visitor.client.post(path, json=body, headers={"X-CSRFToken": found.group(1)})


def register(visitor: Visitor, device: Device) -> TestResponse:
    options = send(visitor, f"{PASSKEYS}options", {}, page=PASSKEYS).get_json()
    return send(visitor, PASSKEYS, device.create(options), page=PASSKEYS)


def ask(visitor: Visitor) -> dict[str, Any]:
    options: dict[str, Any] = send(visitor, "/login/passkey/options", {}, page="/login").get_json()
    return options


def log_in(visitor: Visitor, device: Device, *, path: str = "/login/passkey") -> TestResponse:
    return send(visitor, path, device.get(ask(visitor)), page="/login")


@pytest.fixture
def device(member: Visitor) -> Device:
    """The member's device, with a passkey."""
    device = Device()
    assert register(member, device).get_json() == {"next": PASSKEYS}
    return device


def test_a_passkey_logs_in_and_comes_back_to_the_page_asked_for(
    visitor: Visitor, device: Device
) -> None:
    answer = log_in(visitor, device, path="/login/passkey?next=/account/profile")
    assert answer.get_json() == {"next": "/account/profile"}
    assert "Hello, Mia" in visitor.get("/account/").text


@pytest.mark.parametrize(
    ("flags", "methods"),
    [
        (PRESENT | VERIFIED, {"hwk", "user", "mfa"}),
        (PRESENT | VERIFIED | SYNCABLE, {"swk", "user", "mfa"}),
    ],
)
def test_the_login_says_how_it_was_proved(
    app: Flask, member: Visitor, visitor: Visitor, flags: int, methods: set[str]
) -> None:
    device = Device(flags)
    register(member, device)
    log_in(visitor, device)
    with app.app_context():
        assert {*login_sessions().list("2")[0].methods} == methods


def test_a_passkey_stands_for_both_steps(app: Flask, visitor: Visitor, device: Device) -> None:
    add_authenticator(app, MEMBER)
    assert log_in(visitor, device).status_code == 200
    assert visitor.is_logged_in()


def test_what_is_asked_names_no_account(visitor: Visitor, device: Device) -> None:
    options = ask(visitor)
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    assert bytes_to_base64url(device.id) not in json.dumps(options)


def test_an_answer_cannot_be_sent_twice(app: Flask, visitor: Visitor, device: Device) -> None:
    answer = device.get(ask(visitor))
    seen = visitor.steal(SESSION)  # the cookie and the answer, both
    assert send(visitor, "/login/passkey", answer, page="/login").status_code == 200
    with app.app_context():  # a synced passkey counts nothing
        found = db.session.get(Passkey, 1)
        assert found is not None
        found.sign_count = 0
        db.session.commit()
    assert send(seen, "/login/passkey", answer, page="/login").status_code == 422
    assert not seen.is_logged_in()


def test_an_answer_to_another_browsers_question_is_refused(app: Flask, device: Device) -> None:
    victim, attacker = Visitor(app), Visitor(app)
    ask(attacker)
    answer = device.get(ask(victim))
    assert send(attacker, "/login/passkey", answer, page="/login").status_code == 422
    assert not attacker.is_logged_in()


def test_an_answer_that_comes_too_late_is_refused(
    visitor: Visitor, device: Device, clock: FrozenClock
) -> None:
    answer = device.get(ask(visitor))
    clock.advance(timedelta(minutes=6))
    assert send(visitor, "/login/passkey", answer, page="/login").status_code == 422


def test_an_answer_given_to_a_site_that_imitates_this_one_is_refused(
    visitor: Visitor, device: Device
) -> None:
    device.origin = "http://localhost.evil.example"
    assert log_in(visitor, device).status_code == 422


@pytest.mark.parametrize("flags", [0, PRESENT, VERIFIED])
def test_a_device_that_has_not_looked_at_its_user_is_refused(
    visitor: Visitor, device: Device, flags: int
) -> None:
    device.flags = flags
    assert log_in(visitor, device).status_code == 422


def test_a_copied_device_is_found_by_its_count(visitor: Visitor, device: Device) -> None:
    log_in(visitor, device)
    visitor.submit("/logout", page="/account/")
    device.count = 0
    assert log_in(visitor, device).status_code == 422


def test_another_key_cannot_sign_for_this_one(visitor: Visitor, device: Device) -> None:
    device.key = ec.generate_private_key(ec.SECP256R1())
    assert log_in(visitor, device).status_code == 422


def test_a_passkey_of_one_account_does_not_open_another(
    app: Flask, visitor: Visitor, device: Device
) -> None:
    user_id = add_user(app, "eve@example.com")
    with app.app_context():
        user = find_user("eve@example.com")
        assert user is not None
        assert user.id == user_id
        device.handle = handle(user)
    assert log_in(visitor, device).status_code == 422


def test_a_closed_account_is_closed_for_passkeys_too(
    app: Flask, visitor: Visitor, device: Device
) -> None:
    with app.app_context():
        user = find_user(MEMBER)
        assert user is not None
        user.active = False
        db.session.commit()
    assert log_in(visitor, device).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        7,
        {"id": "a", "rawId": "a", "type": "public-key", "response": []},
        {"id": "a", "rawId": "\x00", "type": "public-key", "response": {"clientDataJSON": "!"}},
    ],
)
def test_what_is_no_answer_is_refused(member: Visitor, visitor: Visitor, body: object) -> None:
    ask(visitor)
    assert send(visitor, "/login/passkey", body, page="/login").status_code == 422
    send(member, f"{PASSKEYS}options", {}, page=PASSKEYS)
    assert send(member, PASSKEYS, body, page=PASSKEYS).status_code == 422


def test_without_a_question_there_is_no_answer(visitor: Visitor, device: Device) -> None:
    answer = device.get({"challenge": ""})
    assert send(visitor, "/login/passkey", answer, page="/login").status_code == 422


@pytest.mark.parametrize("path", ["/login/passkey", "/login/passkey/options", PASSKEYS])
def test_a_request_of_another_site_is_refused(member: Visitor, path: str) -> None:
    assert member.client.post(path, json={}).status_code == 400


def test_registering_needs_a_fresh_login(member: Visitor) -> None:
    member.close_browser()
    assert member.get(PASSKEYS).location.startswith("/reauthenticate")
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', member.get("/account/").text)[0]
    for path in (PASSKEYS, f"{PASSKEYS}options"):
        answer = member.client.post(path, json={}, headers={"X-CSRFToken": token})
        assert answer.status_code == 401


def test_a_passkey_that_somebody_has_cannot_be_registered_again(app: Flask, device: Device) -> None:
    add_user(app, "eve@example.com")
    eve = Visitor(app)
    eve.log_in("eve@example.com")
    assert register(eve, device).status_code == 422


def test_a_deleted_passkey_opens_nothing(member: Visitor, visitor: Visitor, device: Device) -> None:
    assert member.submit(f"{PASSKEYS}1/delete", page=PASSKEYS).status_code == 302
    assert "No passkeys yet" in member.get(PASSKEYS).text
    assert log_in(visitor, device).status_code == 422


def test_nobody_deletes_the_passkey_of_somebody_else(
    app: Flask, visitor: Visitor, device: Device
) -> None:
    add_user(app, "eve@example.com")
    visitor.log_in("eve@example.com", PASSWORD)
    assert visitor.submit(f"{PASSKEYS}1/delete", page=PASSKEYS).status_code == 404
    assert log_in(Visitor(app), device).status_code == 200


def test_an_account_taken_over_by_the_seed_has_no_passkey_of_somebody_else(app: Flask) -> None:
    add_user(app, "admin@example.com", role="admin")
    before = Visitor(app)
    before.log_in("admin@example.com")
    device = Device()
    register(before, device)
    app.test_cli_runner().invoke(args=["seed", "--reset"])
    assert log_in(Visitor(app), device).status_code == 422
