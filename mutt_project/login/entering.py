"""The one way in with a password: limits first, then the password, with the same work for whoever is named."""

import logging
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponseBase

from audit.tuning.present import tuned
from ingest.addresses import address_of
from mutt_project import limits
from mutt_project.login.devices import device_of, remember_device
from mutt_project.login.metrics import LOGINS, Result
from mutt_project.login.slowing import forgive, take_turn

LONGEST_PASSWORD = 1000
_LONGEST_NAME = 150

logger = logging.getLogger(__name__)


class WrongCredentials(Exception):  # noqa: N818 - it carries an answer, not a fault of ours
    """No such person, another password, deactivated, or no member of staff: nobody is told which."""

    text = "The user name or the password is not right, or this account may not log in."


class TooManyAttempts(Exception):  # noqa: N818 - as above
    """The address or the name has been tried too often."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"Too many attempts to log in. Try again in {wait_s} seconds.")
        self.wait_s = wait_s


def check_password(request: HttpRequest, username: str, password: str) -> User:
    """The person with this name and password, who may log in. Raises WrongCredentials or TooManyAttempts."""
    check_address(request, username)
    wait_s = take_turn(username, device_of(request, username))
    if wait_s:
        raise _limited(request, username, wait_s, "name")
    user = authenticate(request, username=username, password=password)
    if user is None:
        note_failure(request, username)
        raise WrongCredentials
    if not user.is_staff:  # Django has told everybody who listens of the other failures
        credentials = {"username": username, "password": "***"}
        user_login_failed.send(sender=__name__, credentials=credentials, request=request)
        note_failure(request, username)
        raise WrongCredentials
    return user


def check_address(request: HttpRequest, username: str) -> None:
    """Count an attempt of this address. Raises TooManyAttempts."""
    wait_s = limits.wait_s(request, "login", [tuned.MUTT_LOGIN_RATE])
    if wait_s:
        raise _limited(request, username, wait_s, "address")


def note_success(request: HttpRequest, response: HttpResponseBase, user: Any, how: str = "password") -> None:
    username = user.get_username()
    forgive(username, device_of(request, username))
    remember_device(request, response, username)
    LOGINS.labels(Result.OK.value).inc()
    logger.info("login ok: user “%s” from %s by %s", username, address_of(request), how)


def note_failure(request: HttpRequest, username: str, what: str = "password") -> None:
    LOGINS.labels(Result.FAILED.value).inc()
    logger.warning("login failed: user %s from %s, %s", shown(username), address_of(request), what)


def shown(username: str) -> str:
    """A name for the log; what nobody is called may be a password that was typed into the wrong field."""
    name = get_user_model().normalize_username(username)[:_LONGEST_NAME].replace("\0", "")
    return f"“{name}”" if get_user_model().objects.filter(username=name).exists() else "that nobody has"


def _limited(request: HttpRequest, username: str, wait_s: int, what: str) -> TooManyAttempts:
    LOGINS.labels(Result.LIMITED.value).inc()
    logger.warning(
        "login limited: user %s from %s, too many of this %s, for %s s",
        *(shown(username), address_of(request), what, wait_s),
    )
    return TooManyAttempts(wait_s)
