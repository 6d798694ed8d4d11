from __future__ import annotations

import pytest

from flask_login import AnonymousUserMixin, UserMixin


class Account(UserMixin):
    def __init__(self, user_id: object) -> None:
        self.id = user_id


class Employee(UserMixin):
    def __init__(self, user_id: object) -> None:
        self.id = user_id


def test_a_user_is_active_authenticated_and_somebody() -> None:
    user = Account("1")
    assert user.is_active is True
    assert user.is_authenticated is True
    assert user.is_anonymous is False


def test_a_suspended_user_is_not_authenticated() -> None:
    class Suspended(UserMixin):
        is_active = False

    assert Suspended().is_authenticated is False


@pytest.mark.parametrize(("user_id", "text"), [("1", "1"), (1, "1"), (0, "0"), ("ä", "ä")])
def test_a_user_s_id_is_text(user_id: object, text: str) -> None:
    assert Account(user_id).get_id() == text


def test_a_user_class_without_an_id_is_told_to_override_get_id() -> None:
    class Nameless(UserMixin):
        pass

    with pytest.raises(NotImplementedError, match="get_id"):
        Nameless().get_id()


def test_users_are_equal_when_their_ids_are() -> None:
    assert Account(1) == Account("1")
    assert not Account(1) != Account(1)  # noqa: SIM202  # the operator is what is tested
    assert Account(1) != Account(2)
    assert not Account(1) == Account(2)  # noqa: SIM201  # the operator is what is tested


def test_a_user_is_equal_to_no_other_kind_of_thing() -> None:
    assert Account("1") != "1"
    assert Account("1") != object()
    assert Account(None) != AnonymousUserMixin()


def test_users_of_two_classes_that_share_the_ids_compare_by_id_as_before() -> None:
    assert Account("1") == Employee("1")


def test_a_user_keeps_its_place_in_a_set_while_it_gets_its_id() -> None:
    user = Account(None)
    known = {user}
    user.id = "1"
    assert user in known
    assert hash(user) == object.__hash__(user)


def test_nobody_is_anonymous_and_has_no_id() -> None:
    nobody = AnonymousUserMixin()
    assert nobody.is_authenticated is False
    assert nobody.is_active is False
    assert nobody.is_anonymous is True
    assert nobody.get_id() is None  # type: ignore[func-returns-value]  # that is what is tested


def test_two_users_who_were_not_saved_are_two() -> None:
    first, second = Account(None), Account(None)
    assert first == first  # noqa: PLR0124  # the operator is what is tested
    assert first != second
    assert first != Account("None")
    assert Account("None") != first
    assert Account("None") == Account("None")


def test_comparing_a_user_who_was_not_saved_does_not_raise() -> None:
    assert Account(None).get_id() == "None"
    assert [Account(None), Account("1")].index(Account("1")) == 1
