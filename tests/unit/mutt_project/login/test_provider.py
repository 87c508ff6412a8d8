"""Logging in by a real OpenID Connect provider over HTTP: who gets in, with which roles, and what is not believed."""

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth.models import Group, User
from django.core.exceptions import SuspiciousOperation
from django.test import Client

from mutt_project.login import provider
from mutt_project.login.provider_backend import ProviderBackend
from mutt_project.models import ProviderIdentity
from mutt_project.roles import ensure_roles
from mutt_project.secrets.present import Fixed, Secrets
from mutt_project.settings.environment import roles_by_group, web_address
from ops.local.ports import free_port, listens
from tests.mutt import eventually
from tests.unit.mutt_project.login.conftest import PASSWORD

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("redis_server"),
]

START = "/admin/login/provider/"
ADA = {"preferred_username": "ada", "groups": ["network-team", "choir"]}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """In a process of its own: its libraries give warnings, which are errors here."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: listens(port))
        yield f"http://localhost:{port}"
        process.terminate()


@pytest.fixture
def by_provider(server, settings) -> str:
    settings.MUTT_OIDC_ISSUER = server
    settings.MUTT_OIDC_NAME = "Example Login"
    settings.MUTT_OIDC_CLIENT_ID = "mutt"
    settings.MUTT_OIDC_ROLES = {"network-team": "MUTT editor", "noc": "MUTT viewer"}
    settings.MUTT_SECRETS = Secrets(Fixed({**settings.MUTT_SECRETS, "MUTT_OIDC_CLIENT_SECRET": "known to both"}))
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, provider.BACKEND]
    ensure_roles()
    return server


def knows(server: str, subject: str, **claims: Any) -> None:
    requests.put(f"{server}/users/{subject}", json=claims, timeout=10).raise_for_status()


def sent_back(browser: Client, subject: str, start: str = START) -> str:
    """Where the provider sends a browser after its user has agreed."""
    away = browser.get(start).headers["Location"]
    answer = requests.post(away, data={"sub": subject}, allow_redirects=False, timeout=10)
    return answer.headers["Location"].removeprefix("http://testserver")


def come_in(subject: str, browser: Client | None = None) -> Any:
    browser = browser or Client()
    return browser.get(sent_back(browser, subject), follow=True)


def roles(username: str = "ada") -> list[str]:
    return sorted(User.objects.get(username=username).groups.values_list("name", flat=True))


def test_who_is_in_a_group_with_a_role_gets_in_with_it(by_provider):
    knows(by_provider, "s-1", **ADA)
    browser = Client()
    assert f'href="{START}?next=' in browser.get("/admin/login/?next=/admin/rules/rule/").content.decode()
    away = browser.get(f"{START}?next=/admin/rules/rule/").headers["Location"]
    asked = parse_qs(urlsplit(away).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]
    assert asked["state"]
    back = sent_back(browser, "s-1", f"{START}?next=/admin/rules/rule/")
    assert browser.get(back).headers["Location"] == "/admin/rules/rule/"
    assert browser.get("/admin/rules/rule/").status_code == 200
    assert roles() == ["MUTT editor"]
    session = str(browser.session.items())
    assert "s-1" not in session
    assert "eyJ" not in session, "no token is kept"
    assert not User.objects.get().has_usable_password()
    assert browser.get(back).headers["Location"] == "/admin/login/", "an answer is good once"


def test_roles_follow_the_groups_and_those_by_hand_stay(by_provider):
    knows(by_provider, "s-2", **ADA)
    come_in("s-2")
    User.objects.get().groups.add(Group.objects.get(name="MUTT operator"))
    knows(by_provider, "s-2", **{**ADA, "groups": "noc"})
    come_in("s-2")
    assert roles() == ["MUTT operator", "MUTT viewer"]
    knows(by_provider, "s-2", **{**ADA, "groups": []})
    page = come_in("s-2").content.decode()
    assert "None of your groups has a role in MUTT" in page
    assert roles() == ["MUTT operator"]
    assert not User.objects.get().is_staff


def test_a_new_name_at_the_provider_is_the_same_person(by_provider):
    knows(by_provider, "s-3", **ADA)
    come_in("s-3")
    knows(by_provider, "s-3", **{**ADA, "preferred_username": "ada.king"})
    come_in("s-3")
    assert [identity.user.username for identity in ProviderIdentity.objects.all()] == ["ada"]


@pytest.mark.parametrize("name", ["root", "ROOT"])
def test_nobody_becomes_an_administrator_by_being_called_like_one(by_provider, name):
    User.objects.create_superuser("root", password=PASSWORD)
    knows(by_provider, "s-4", **{**ADA, "preferred_username": name})
    assert "which does not belong to the provider" in come_in("s-4").content.decode()
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "claims", [{"groups": ["choir"]}, {"groups": {"network-team": 1}}, {"preferred_username": "a b"}]
)
def test_who_has_no_role_or_no_name_does_not_get_in(by_provider, claims):
    knows(by_provider, "s-5", **{**ADA, **claims})
    answer = come_in("s-5")
    assert answer.request["PATH_INFO"] == "/admin/login/"
    assert "errornote" in answer.content.decode() or "messagelist" in answer.content.decode()
    assert not User.objects.exists()


def test_a_deactivated_person_does_not_get_in_and_is_out_at_once(by_provider):
    knows(by_provider, "s-6", **ADA)
    browser = Client()
    come_in("s-6", browser)
    assert browser.get("/admin/second-factor/").status_code == 200
    User.objects.update(is_active=False)
    assert browser.get("/admin/second-factor/").status_code == 302
    assert "was deactivated" in come_in("s-6").content.decode()


def test_the_duty_of_a_second_factor_is_the_providers(by_provider, settings):
    settings.MUTT_TOTP = "required"
    knows(by_provider, "s-7", **ADA)
    browser = Client()
    come_in("s-7", browser)
    assert browser.get("/admin/rules/rule/").status_code == 200


def test_a_link_with_an_error_in_it_logs_nobody_out(by_provider):
    knows(by_provider, "ada", preferred_username="ada", groups=["network-team"])
    browser = Client()
    come_in("ada", browser)
    assert browser.get("/admin/").status_code == 200
    assert browser.get("/admin/login/provider/callback/?error=access_denied").status_code == 302
    assert browser.get("/admin/").status_code == 200


def test_an_answer_to_somebody_elses_login_is_not_taken(by_provider):
    knows(by_provider, "s-8", **ADA)
    victim = Client()
    victim.get(START)
    refused = victim.get(sent_back(Client(), "s-8"), follow=True)
    assert refused.request["PATH_INFO"] == "/admin/login/"
    assert not User.objects.exists()


def test_a_provider_that_is_away_or_another_one_is_said_and_passwords_work_on(by_provider, settings, ada, log_in):
    for issuer in ("http://127.0.0.1:1", f"{by_provider}/another"):
        settings.MUTT_OIDC_ISSUER = issuer
        answer = Client().get(START, follow=True)
        assert answer.status_code == 200
        assert "Example Login does not" in answer.content.decode()
    assert log_in().status_code == 200


def test_what_cannot_be_stored_is_no_server_error(by_provider):
    subject = "s" * 300
    knows(by_provider, subject, **ADA)
    assert "cannot be used. Try again." in come_in(subject).content.decode()


def test_being_sent_there_is_an_attempt_to_log_in(by_provider, settings):
    settings.MUTT_LOGIN_RATE = "2/hour"
    ways = [Client().get(START) for _ in range(3)]
    assert [way.headers["Location"].startswith(by_provider) for way in ways] == [True, True, False]


def test_without_a_provider_there_is_no_way_to_it(settings):
    assert settings.MUTT_OIDC_ISSUER == ""
    assert "Sign in with" not in Client().get("/admin/login/").content.decode()
    assert [Client().get(path).status_code for path in (START, f"{START}callback/?code=a&state=b")] == [404, 404]


class TestTokens:
    """ID tokens by a key of our own in the provider's place."""

    @pytest.fixture
    def backend(self, by_provider, monkeypatch) -> Any:
        self.key = rsa.generate_private_key(65537, 2048)
        backend = ProviderBackend()
        monkeypatch.setattr(backend, "retrieve_matching_jwk", lambda _: self.key.public_key())
        self.issuer = by_provider
        return backend

    def token(self, algorithm: str = "RS256", key: Any = None, **claims: Any) -> str:
        now = int(time.time())
        good = {"iss": self.issuer, "aud": "mutt", "sub": "s", "iat": now, "exp": now + 60, "nonce": "n"}
        wanted = {name: value for name, value in {**good, **claims}.items() if value is not None}
        return jwt.encode(wanted, self.key if key is None else key, algorithm=algorithm)

    def test_a_good_token_is_taken(self, backend):
        assert backend.verify_token(self.token(), nonce="n")["sub"] == "s"
        assert backend.verify_token(self.token(aud=["mutt", "x"], azp="mutt"), nonce="n")["sub"] == "s"

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "https://evil.example"},
            {"aud": "another client"},
            {"azp": "another client"},
            {"exp": 1},
            {"exp": None},
            {"sub": None},
            {"nonce": "another"},
            {"nonce": None},
        ],
    )
    def test_a_token_for_or_from_others_or_of_the_past_is_not(self, backend, claims):
        with pytest.raises((jwt.PyJWTError, SuspiciousOperation)):
            backend.verify_token(self.token(**claims), nonce="n")

    def test_no_other_key_or_algorithm_is_believed(self, backend):
        other = rsa.generate_private_key(65537, 2048)
        for token in (
            self.token(key=other),
            self.token("RS512"),
            self.token("HS256", "x" * 64),
            self.token("none", ""),
        ):
            with pytest.raises(jwt.PyJWTError):
                backend.verify_token(token, nonce="n")


def test_addresses_of_providers_are_https_but_on_this_machine():
    assert web_address("https://login.example.net/realms/a") == "https://login.example.net/realms/a"
    assert web_address("http://127.0.0.1:8080")
    for wrong in ("http://login.example.net", "ftp://a", "https://", "login.example.net", "https://u:p@login.example"):
        with pytest.raises(ValueError, match="is no address"):
            web_address(wrong)


def test_roles_of_groups_are_read_or_refused():
    assert roles_by_group("a=viewer, cn=b=admin") == {"a": "MUTT viewer", "cn=b": "MUTT admin"}
    for wrong in ("a", "a=root", "=viewer"):
        with pytest.raises(ValueError, match="is not like network-team=editor"):
            roles_by_group(wrong)
