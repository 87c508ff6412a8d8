"""API keys in admin: the form refuses what could not be meant, and secrets are shown once."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ingest.authentication import KnownKeys
from ingest.models import ApiKey

pytestmark = pytest.mark.django_db

ADD, LIST = (f"admin:ingest_apikey_{name}" for name in ("add", "changelist"))
FORM = {"name": "orion", "scopes": ["ingest"], "is_active": "on"}


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def shown(answer: Any, beginning: str) -> list[str]:
    return [word for message in said(answer) for word in message.split() if word.startswith(beginning)]


def change_page(key: ApiKey) -> str:
    return reverse("admin:ingest_apikey_change", args=[key.pk])


def act(client: Client, action: str, *keys: ApiKey) -> Any:
    form = {"action": action, "_selected_action": [key.pk for key in keys]}
    return client.post(reverse(LIST), form, follow=True)


def test_a_key_with_all_that_it_can_be_is_made_and_shows_both_secrets_once(admin_client):
    form = {**FORM, "allowed_sources": ["solarwinds"], "in_url": "on", "rate_limit": "5/second", "signed": "on"}
    answer = admin_client.post(reverse(ADD), form, follow=True)
    (secret,), (signing_secret,) = shown(answer, "mutt_"), shown(answer, "whsec_")
    caller: Any = KnownKeys(max_age_s=0).find(secret)
    assert (caller.in_url, caller.allowed_sources, caller.rate_limit) == (True, {"solarwinds"}, "5/second")
    assert len(caller.signing_secrets) == 1
    for page in (reverse(LIST), change_page(ApiKey.objects.get())):
        text = admin_client.get(page).content.decode()
        assert "orion" in text
        for hidden in (secret, signing_secret, ApiKey.objects.get().digest, *ApiKey.objects.get().signing_secrets):
            assert hidden not in text


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["root"]}, "not one of the available choices"),
        ({"allowed_sources": ["smoke"]}, "not one of the available choices"),
        ({"in_url": "on"}, "exactly one source"),
        ({"in_url": "on", "allowed_sources": ["syslog"], "scopes": ["ingest", "write"]}, "ingest alone"),
        ({"signed": "on", "scopes": ["read"]}, "ingest alone"),
        ({"rate_limit": "fast"}, "100/second"),
    ],
)
def test_what_could_not_be_meant_is_refused_in_the_form(admin_client, wrong, text):
    answer = admin_client.post(reverse(ADD), {**FORM, **wrong})
    assert answer.status_code == 200
    assert text in answer.content.decode()
    assert not ApiKey.objects.exists()
    assert not shown(answer, "whsec_")


def test_a_change_leaves_alone_what_others_write_meanwhile(admin_client, monkeypatch):
    key = ApiKey.create("orion", ["ingest"]).key
    used = timezone.now()
    save = ApiKey.save

    def meanwhile(self: ApiKey, **how: Any) -> None:
        ApiKey.objects.filter(pk=self.pk).update(last_used_at=used)
        save(self, **how)

    monkeypatch.setattr(ApiKey, "save", meanwhile)
    assert admin_client.post(change_page(key), {**FORM, "allowed_sources": ["syslog"]}).status_code == 302
    key.refresh_from_db()
    assert (key.allowed_sources, key.last_used_at) == (["syslog"], used)


def test_a_new_secret_is_shown_once_and_the_former_one_is_taken_for_a_day(admin_client):
    made = ApiKey.create("orion", ["ingest"])
    (secret,) = shown(act(admin_client, "rotate_secret", made.key), "mutt_")
    known = KnownKeys(max_age_s=0)
    assert not shown(act(admin_client, "rotate_secret", made.key), "mutt_")
    assert [known.find(one).name for one in (secret, made.secret)] == ["orion", "orion"]  # type: ignore[union-attr] # they are known


def test_signing_secrets_rotate_and_the_old_one_is_dropped(admin_client):
    key = ApiKey.create("orion", ["ingest"]).key
    first = shown(act(admin_client, "rotate_signing_secret", key), "whsec_")
    second = shown(act(admin_client, "rotate_signing_secret", key), "whsec_")
    assert len({*first, *second}) == 2
    key.refresh_from_db()
    newest = key.signing_secrets[0]
    assert len(key.signing_secrets) == 2
    act(admin_client, "drop_old_signing_secret", key)
    key.refresh_from_db()
    assert key.signing_secrets == [newest]
    assert said(act(admin_client, "drop_old_signing_secret", key)) == ["orion has no older signing secret."]
    entries = "".join(LogEntry.objects.values_list("change_message", flat=True))
    assert "Made a signing secret." in entries
    assert "whsec_" not in entries


def test_a_key_that_may_do_more_than_send_gets_no_signing_secret(admin_client):
    reader, sender = (ApiKey.create(scope, [scope]).key for scope in ("read", "ingest"))
    answer = act(admin_client, "rotate_signing_secret", reader, sender)
    assert any("a key that signs" in text for text in said(answer))
    assert len(shown(answer, "whsec_")) == 1
    reader.refresh_from_db()
    assert reader.signing_secrets == []


def test_secrets_are_made_by_people_who_may_change_keys_only():
    user = User.objects.create_user("grace", password="g", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_apikey"))
    client = Client()
    client.force_login(user)
    key = ApiKey.create("orion", ["ingest"]).key
    act(client, "rotate_signing_secret", key)
    key.refresh_from_db()
    assert key.signing_secrets == []
    assert client.get(change_page(key)).status_code == 200
    assert client.get(reverse(ADD)).status_code == 403
