"""Signatures: a text passes for one purpose, under a key of this application, unchanged."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from itsdangerous import BadData, BadPayload, BadSignature, URLSafeSerializer
from tests.current_keys import digest, is_digest, sign, unsign

from flask_login import ConfigurationError, decode_cookie, encode_cookie
from flask_login.core.signing import (
    _signature,
    cookie_digest,
    digest_by,
    payload_of,
    secret_keys,
)


def test_a_signed_value_is_read_back_as_it_was(app: Flask) -> None:
    with app.app_context():
        assert unsign(sign(["1", 2, None], "purpose"), "purpose") == (["1", 2, None], True)


def test_a_text_signed_for_one_purpose_is_worthless_for_another(app: Flask) -> None:
    with app.app_context():
        signed = sign(["1"], "flask-login.remember-token.default")
        with pytest.raises(BadSignature):
            unsign(signed, "flask-login.remember-token.staff")


def test_a_flask_session_cookie_is_no_signed_text_of_ours(app: Flask) -> None:
    client = app.test_client()
    client.get("/login/alice")
    cookie = client.get_cookie("session")
    assert cookie is not None
    with app.app_context(), pytest.raises(BadSignature):
        unsign(cookie.value, "flask-login.remember-token.default")


def test_no_byte_of_a_signed_text_can_be_changed(app: Flask) -> None:
    with app.app_context():
        signed = sign(["alice", 1, 2], "purpose")
        for place, character in enumerate(signed):
            other = "A" if character != "A" else "B"
            with pytest.raises(BadSignature):
                unsign(signed[:place] + other + signed[place + 1 :], "purpose")


def test_no_truncated_text_is_signed(app: Flask) -> None:
    with app.app_context():
        signed = sign(["alice", 1, 2], "purpose")
        for length in range(len(signed)):
            with pytest.raises(BadSignature):
                unsign(signed[:length], "purpose")


@pytest.mark.parametrize("junk", ["", ".", "..", "é", "\x00", "|", "a.b", "=" * 65536, "💥.💥"])
def test_junk_is_a_bad_signature_and_no_other_error(app: Flask, junk: str) -> None:
    with app.app_context(), pytest.raises(BadSignature):
        unsign(junk, "purpose")


@pytest.mark.parametrize("text", [b"", b"no JSON", b"1 2", b"[1],", b"\xff"])
def test_a_signed_text_that_is_not_one_json_value_is_bad_data(app: Flask, text: bytes) -> None:
    payload = urlsafe_b64encode(text).rstrip(b"=")
    with app.app_context():
        signature = _signature(payload, secret_keys(app.config)[0], "purpose")
        with pytest.raises(BadPayload):
            unsign(b".".join([payload, signature]).decode(), "purpose")


def test_after_a_key_rotation_the_old_key_verifies_and_the_new_one_signs(app: Flask) -> None:
    with app.app_context():
        before = sign("value", "purpose")
        app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])

        assert unsign(before, "purpose") == ("value", False)
        assert unsign(sign("value", "purpose"), "purpose") == ("value", True)

        app.config["SECRET_KEY_FALLBACKS"] = []
        with pytest.raises(BadSignature):
            unsign(before, "purpose")


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        ({"SECRET_KEY": None}, ()),
        ({"SECRET_KEY": ""}, ()),
        ({"SECRET_KEY": None, "SECRET_KEY_FALLBACKS": ["old"]}, ()),
        ({"SECRET_KEY": "new"}, ("new",)),
        ({"SECRET_KEY": b"new", "SECRET_KEY_FALLBACKS": None}, (b"new",)),
        (
            {"SECRET_KEY": "new", "SECRET_KEY_FALLBACKS": ["old", b"older"]},
            ("new", "old", b"older"),
        ),
    ],
)
def test_the_signing_key_comes_first_and_without_it_there_is_none(
    make_app: Callable[..., Flask], config: dict[str, object], keys: tuple[str | bytes, ...]
) -> None:
    assert secret_keys(make_app(**config).config) == keys


@pytest.mark.parametrize("fallbacks", [[""], [b""], [None], ["", None, b""], ("",)])
def test_an_empty_fallback_key_verifies_nothing(
    make_app: Callable[..., Flask], fallbacks: object
) -> None:
    signer = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    serializer: Any = URLSafeSerializer("", salt="purpose", signer_kwargs=signer)
    forged = str(serializer.dumps("forged"))
    app = make_app(SECRET_KEY="new")
    app.config["SECRET_KEY_FALLBACKS"] = fallbacks  # init_app refuses it
    with app.app_context():
        assert secret_keys(app.config) == ("new",)
        with pytest.raises(BadSignature):
            unsign(forged, "purpose")
        assert not is_digest(digest_by("", "value", "purpose"), "value", "purpose")
        assert decode_cookie(encode_cookie("alice", "")) is None


def test_encoding_without_a_secret_key_names_the_setting(make_app: Callable[..., Flask]) -> None:
    with make_app(SECRET_KEY=None).app_context():
        calls: list[Callable[[], object]] = [
            lambda: encode_cookie("alice"),
            lambda: decode_cookie("alice|digest"),
            lambda: sign("value", "purpose"),
            lambda: digest("value", "purpose"),
        ]
        for call in calls:
            with pytest.raises(ConfigurationError, match="^SECRET_KEY must be ") as error:
                call()
            assert error.value.key == "SECRET_KEY"
        assert decode_cookie(encode_cookie("alice", "own key"), "own key") == "alice"


def test_without_a_secret_key_nothing_counts_as_signed(make_app: Callable[..., Flask]) -> None:
    with make_app().app_context():
        signed = sign("value", "purpose")
    with make_app(SECRET_KEY=None).app_context():
        with pytest.raises(BadSignature):
            unsign(signed, "purpose")
        assert not is_digest("value", "value", "purpose")


def test_a_digest_says_nothing_of_the_value_and_is_bound_to_key_and_purpose(app: Flask) -> None:
    with app.app_context():
        made = digest("argon2 canary", "purpose")
        assert "canary" not in made
        assert is_digest(made, "argon2 canary", "purpose")
        assert not is_digest(made, "argon2 other", "purpose")
        assert not is_digest(made, "argon2 canary", "another purpose")
        assert not is_digest("é", "argon2 canary", "purpose")

        app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[app.config["SECRET_KEY"]])
        assert is_digest(made, "argon2 canary", "purpose")
        assert digest("argon2 canary", "purpose") != made

        app.config["SECRET_KEY_FALLBACKS"] = []
        assert not is_digest(made, "argon2 canary", "purpose")


# The old format: applications sign values of their own with it.


@pytest.mark.parametrize("payload", ["1", "", "a|b", "é", "名前", "x" * 5000])
def test_an_encoded_cookie_is_the_payload_a_bar_and_its_sha512_hmac(
    make_app: Callable[..., Flask], payload: str
) -> None:
    with make_app(SECRET_KEY="secret").app_context():
        expected = hmac.new(b"secret", payload.encode(), hashlib.sha512).hexdigest()
        assert encode_cookie(payload) == f"{payload}|{expected}"
        assert decode_cookie(f"{payload}|{expected}") == payload


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("secret", b"secret"),
        (b"\xff\x00", b"\xff\x00"),
        ("\xe9", b"\xe9"),  # Latin-1, as ever
        ("ключ", "ключ".encode()),  # and what Latin-1 has no letters for
    ],
)
def test_a_key_may_be_given_as_bytes_or_as_text(key: str | bytes, raw: bytes) -> None:
    expected = hmac.new(raw, b"1", hashlib.sha512).hexdigest()
    assert encode_cookie("1", key=key) == f"1|{expected}"
    assert decode_cookie(f"1|{expected}", key=key) == "1"
    assert decode_cookie(f"1|{expected}", key="another") is None


def test_no_byte_of_an_encoded_cookie_can_be_changed(app: Flask) -> None:
    with app.app_context():
        cookie = encode_cookie("alice")
        for place, character in enumerate(cookie):
            other = "0" if character != "0" else "1"
            assert decode_cookie(cookie[:place] + other + cookie[place + 1 :]) is None


@pytest.mark.parametrize("junk", ["", "|", "alice", "alice|", "1|é", "\ud800|\ud800", "|" * 65536])
def test_junk_is_no_encoded_cookie(app: Flask, junk: str) -> None:
    with app.app_context():
        assert decode_cookie(junk) is None


def test_a_digest_alone_is_no_encoded_cookie_of_the_empty_text() -> None:
    digest = cookie_digest("", "key")
    assert payload_of(f"|{digest}", "key") == ""
    assert payload_of(digest, "key") is None


@pytest.mark.parametrize("payload", [b"", b"!", b"bm8ganNvbg", b".bm8ganNvbg", b"_w"])
def test_a_signed_text_that_is_no_json_is_bad_data(app: Flask, payload: bytes) -> None:
    with app.app_context():
        signature = _signature(payload, str(app.secret_key), "purpose")
        with pytest.raises(BadData):
            unsign(f"{payload.decode()}.{signature.decode()}", "purpose")
