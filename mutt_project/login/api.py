"""Logging in and out over the REST API, for programs that work in a person's name and for pages of one's own."""

from typing import Any

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest
from django.middleware.csrf import get_token
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException, PermissionDenied, Throttled
from rest_framework.parsers import JSONParser
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from mutt_project.login import second_factor
from mutt_project.login.entering import (
    LONGEST_PASSWORD,
    TooManyAttempts,
    WrongCredentials,
    check_password,
    note_failure,
    note_success,
)
from mutt_project.login.sessions import begin_session


class LoginSerializer(serializers.Serializer[Any]):
    """Who wants to log in."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)
    otp = serializers.CharField(
        max_length=16,
        required=False,
        allow_blank=True,
        help_text="The code of the authenticator app, or a recovery code, if the account has a second factor.",
    )


class LoggedInSerializer(serializers.Serializer[Any]):
    """Who has logged in."""

    username = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    is_superuser = serializers.BooleanField()
    session_ends_at = serializers.DateTimeField(help_text="Even if it is used; earlier if it is not.")
    session_idle_s = serializers.IntegerField(help_text="So many seconds without a request end it.")
    csrf_token = serializers.CharField(help_text="To be sent as X-CSRFToken with each request that changes something.")


class NotLoggedIn(APIException):
    status_code = 401
    default_detail = WrongCredentials.text
    auth_header = 'Session realm="MUTT"'


class LoginView(APIView):
    """Begins a session by a user name and a password."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()  # it has a limit of its own
    parser_classes = (JSONParser,)  # no form of another site can send JSON
    needs_no_key = True

    @extend_schema(
        operation_id="auth_login_create",
        summary="Log in",
        request=LoginSerializer,
        responses={200: LoggedInSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        """The answer sets the session's cookie. Five attempts a minute of one address, fewer of one name."""
        http = request._request  # noqa: SLF001 - DRF offers no other way to the HttpRequest
        _refuse_other_sites(http)
        asked = LoginSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user = _person(http, asked.validated_data)
        ends_at = begin_session(http, user)
        answer = {
            "username": user.get_username(),
            "roles": sorted(user.groups.values_list("name", flat=True)),
            "is_superuser": user.is_superuser,
            "session_ends_at": ends_at,
            "session_idle_s": int(settings.MUTT_SESSION_IDLE_S),
            "csrf_token": get_token(http),
        }
        response = Response(LoggedInSerializer(answer).data, headers={"Cache-Control": "no-store"})
        note_success(http, response, user)
        return response


class LogoutView(APIView):
    """Ends the session."""

    authentication_classes = (SessionAuthentication,)
    permission_classes = (IsAdminUser,)  # of the staff, as all whom the login lets in
    throttle_classes = ()
    needs_no_key = True

    @extend_schema(operation_id="auth_logout_create", summary="Log out", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """It needs the session's cookie and X-CSRFToken."""
        auth.logout(request._request)  # noqa: SLF001 - as above
        return Response(status=204)


def _person(http: HttpRequest, asked: dict[str, str]) -> Any:
    try:
        user = check_password(http, asked["username"], asked["password"])
    except TooManyAttempts as error:
        raise Throttled(error.wait_s, str(error)) from error
    except WrongCredentials as error:
        raise NotLoggedIn from error
    if second_factor.needs_code(user):
        code = asked.get("otp", "")
        if not code:
            raise NotLoggedIn("This account has a second factor: send its code as otp.")
        user.otp_device = second_factor.verified(user, code)  # type: ignore[attr-defined] # django-otp looks for it
        if user.otp_device is None:  # type: ignore[attr-defined] # as above
            note_failure(http, asked["username"], "code")
            raise NotLoggedIn("The code is not right, or was used before. After wrong ones, wait a little longer.")
    return user


def _refuse_other_sites(http: HttpRequest) -> None:
    """A page of another site must not log its visitors in as somebody else."""
    origin = http.headers.get("Origin")
    own = f"{http.scheme}://{http.get_host()}"
    if origin is not None and origin != own and origin not in settings.CSRF_TRUSTED_ORIGINS:
        raise PermissionDenied("Pages of another site cannot log in here: see MUTT_TRUSTED_ORIGINS.")
