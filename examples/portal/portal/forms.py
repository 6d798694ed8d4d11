"""The portal's forms. Flask-WTF gives each of them its CSRF token."""

from __future__ import annotations

from flask_wtf import FlaskForm  # type: ignore[import-untyped]  # ships no types
from wtforms import BooleanField, EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import (
    AnyOf,
    DataRequired,
    Email,
    EqualTo,
    InputRequired,
    Length,
    Regexp,
    ValidationError,
)

from . import passwords
from .models import normal_email

PASSWORD_MIN, PASSWORD_MAX = 12, 128

# Nobody types them. PostgreSQL stores no text with a NUL character; the ones at the end turn the
# direction of writing, also of what a page shows beside a name.
no_controls = Regexp(
    r"[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*\Z",
    message="Please leave out control characters.",
)


def _stripped(value: str | None) -> str | None:
    return value.strip() if value else value


def _email(value: str | None) -> str | None:
    return normal_email(value) if value else value


def _current_password(label: str = "Password") -> PasswordField:
    return PasswordField(
        label,
        validators=[InputRequired("Please enter your password."), Length(max=PASSWORD_MAX)],
        render_kw={"autocomplete": "current-password"},
    )


def _uncommon(form: Form, field: PasswordField) -> None:
    if passwords.is_common(field.data or "", *form.person):
        raise ValidationError("This password is easy to guess. A few unrelated words work well.")


def _new_password(label: str) -> PasswordField:
    return PasswordField(
        label,
        description=f"At least {PASSWORD_MIN} characters. A few unrelated words work well.",
        validators=[
            InputRequired("Please choose a password."),
            Length(
                PASSWORD_MIN,
                PASSWORD_MAX,
                f"Use between {PASSWORD_MIN} and {PASSWORD_MAX} characters.",
            ),
            _uncommon,
        ],
        render_kw={"autocomplete": "new-password"},
    )


def _repeated(label: str, field: str) -> PasswordField:
    return PasswordField(
        label,
        validators=[
            InputRequired("Please enter the password again."),
            EqualTo(field, "The two passwords differ."),
        ],
        render_kw={"autocomplete": "new-password"},
    )


def _name() -> StringField:
    return StringField(
        "Name",
        filters=[_stripped],
        validators=[DataRequired("Please enter your name."), Length(max=80), no_controls],
        render_kw={"autocomplete": "name"},
    )


class Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The base of the forms."""

    #: What others know of the owner of a new password.
    person: tuple[str, ...] = ()

    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # Flask-WTF ships no types
        """No ``required`` attributes: the page explains what is missing itself."""

        def render_field(self, field: object, render_kw: dict[str, object]) -> object:
            return super().render_field(field, {"required": False, **render_kw})


class LoginForm(Form):
    email = EmailField(
        "Email address",
        filters=[_email],
        validators=[
            InputRequired("Please enter your email address."),
            Length(max=254),
            no_controls,
        ],
        render_kw={"autocomplete": "username"},
    )
    password = _current_password()
    remember = BooleanField(
        "Keep me logged in",
        description="For 30 days in this browser. Not for shared computers.",
    )


class RegisterForm(Form):
    name = _name()
    email = EmailField(
        "Email address",
        filters=[_email],
        validators=[
            InputRequired("Please enter your email address."),
            Length(max=254),
            Email("This does not look like an email address."),
        ],
        render_kw={"autocomplete": "username"},
    )
    password = _new_password("Password")
    repeat = _repeated("Password again", "password")


def _code(description: str) -> StringField:
    return StringField(
        "Code",
        description=description,
        validators=[InputRequired("Please enter the code."), Length(max=40)],
        # Numbers first on a phone, but a recovery code has letters too.
        render_kw={"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "off"},
    )


class CodeForm(Form):
    code = _code("From your authenticator app, or one of your recovery codes.")

    def refuse(self, message: str) -> None:
        self.code.errors = [message]
        self.code.data = ""  # no good to anybody, and nothing to show again


class ReauthenticateForm(CodeForm):
    """The view takes away the field that it does not need."""

    password = _current_password()


class SetUpForm(CodeForm):
    key = HiddenField()
    code = _code("The six digits that the app shows now.")


class ProfileForm(Form):
    name = _name()


class ChangePasswordForm(Form):
    current = _current_password("Current password")
    password = _new_password("New password")
    repeat = _repeated("New password again", "password")


class ApiKeyForm(Form):
    name = StringField(
        "Name of the key",
        description="What will use it, for example “Backup script”.",
        filters=[_stripped],
        validators=[DataRequired("Please give the key a name."), Length(max=60), no_controls],
        render_kw={"autocomplete": "off"},
    )


class ActiveForm(Form):
    """The wanted state of an account, not "the other one": it may be sent twice."""

    active = HiddenField(validators=[AnyOf(("yes", "no"))])


class ConfirmForm(Form):
    """A button: nothing but the CSRF token."""
