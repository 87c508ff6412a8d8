"""API keys over the REST API: made, changed and deleted by those who may, with secrets shown once."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import close_old_connections
from django.test import Client
from django.utils import timezone

from ingest.authentication import KnownKeys
from ingest.models import ApiKey, Scope
from tests.unit.mutt_project.calls import faults, get, send

pytestmark = pytest.mark.django_db

NEW = {"name": "rsyslog", "scopes": ["ingest"]}
SHOWN = {
    *("id", "name", "prefix", "scopes", "allowed_sources", "in_url", "rate_limit", "is_active", "expires_at"),
    *("former_until", "signing_secret_count", "last_used_at", "created_at"),
}


@pytest.fixture
def admin(make_key: Callable[..., str]) -> Client:
    return Client(headers={"X-API-KEY": make_key(*Scope.values, name="an administrator")})


def own(client: Client) -> dict[str, Any]:
    (key,) = [key for key in get(client, "keys")["results"] if key["name"] == "an administrator"]
    return key


def person(*permissions: str) -> Client:
    user = User.objects.create_user("grace", password="g", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def caller(secret: str) -> Any:
    return KnownKeys(max_age_s=0).find(secret)


def test_a_key_is_made_and_its_secret_is_shown_once(admin):
    made = send(admin, "POST", "keys", NEW, 201)
    secret = made.pop("secret")
    assert made.pop("signing_secret") is None
    assert made.keys() == SHOWN
    assert made["prefix"] == secret[:8]
    assert caller(secret).scopes == {"ingest"}
    later = get(admin, f"keys/{made['id']}")
    assert later["last_used_at"] is not None
    assert later == {**made, "last_used_at": later["last_used_at"]}
    for text in (str(get(admin, "keys")), str(later)):
        assert secret not in text
        assert ApiKey.objects.get(name="rsyslog").digest not in text


def test_all_fields_of_a_key_can_be_given(admin):
    fields = {
        "name": "orion",
        "scopes": ["ingest"],
        "allowed_sources": ["solarwinds"],
        "in_url": True,
        "rate_limit": "100/second",
        "is_active": False,
        "expires_at": "2030-01-01T00:00:00Z",
    }
    made = send(admin, "POST", "keys", fields, 201)
    assert fields.items() <= made.items()


def test_lists_are_brought_into_their_order_without_repeats(admin):
    made = send(admin, "POST", "keys", {"name": "n", "scopes": ["write", "read", "write"]}, 201)
    assert made["scopes"] == ["read", "write"]
    changed = send(admin, "PATCH", f"keys/{made['id']}", {"allowed_sources": ["snmptrap", "syslog", "snmptrap"]}, 200)
    assert changed["allowed_sources"] == ["syslog", "snmptrap"]


def test_a_signed_key_shows_its_signing_secret_once(admin):
    made = send(admin, "POST", "keys", {**NEW, "signed": True}, 201)
    assert made["signing_secret"].startswith("whsec_")
    assert made["signing_secret_count"] == 1
    assert "signed" not in made
    assert made["signing_secret"] not in str(get(admin, "keys"))
    assert "signing_secret" not in get(admin, f"keys/{made['id']}")
    assert len(caller(made["secret"]).signing_secrets) == 1


def test_a_new_secret_leaves_the_former_one_its_time(admin, make_key):
    first = make_key("ingest", name="orion")
    key = ApiKey.objects.get(name="orion")
    made = send(admin, "POST", f"keys/{key.pk}/rotate-secret", {}, 201)
    assert made["former_until"] is not None
    new, old = caller(made["secret"]), caller(first)
    assert (new.name, old.name) == ("orion", "orion")
    assert new.expires_at is None
    assert old.has_expired(timezone.now() + timedelta(hours=25))
    assert not old.has_expired(timezone.now() + timedelta(hours=23))
    ApiKey.objects.filter(pk=key.pk).update(former_until=timezone.now() - timedelta(seconds=1))
    assert caller(first) is None
    assert caller(made["secret"]) is not None


def test_a_key_gets_no_new_secret_of_one_that_may_do_more(admin, make_key):
    secret = make_key("read", "write", name="orion")
    key = ApiKey.objects.get(name="orion")
    problem = send(Client(headers={"X-API-KEY": make_key("admin")}), "POST", f"keys/{key.pk}/rotate-secret", {}, 403)
    assert "lacks read, write" in problem["detail"]
    assert caller(secret) is not None
    assert ApiKey.objects.get(name="orion").digest == key.digest


def test_a_second_change_waits_for_the_first_so_that_a_retry_shuts_nobody_out(admin, make_key):
    first = make_key("ingest", name="orion")
    key = ApiKey.objects.get(name="orion")
    made = send(admin, "POST", f"keys/{key.pk}/rotate-secret", {}, 201)
    assert "grace_hours 0" in send(admin, "POST", f"keys/{key.pk}/rotate-secret", {}, 409)["detail"]
    assert [caller(one).name for one in (first, made["secret"])] == ["orion", "orion"]
    send(admin, "POST", f"keys/{key.pk}/rotate-secret", {"grace_hours": 0}, 201)
    assert [caller(one) for one in (first, made["secret"])] == [None, None]


def test_a_leaked_secret_goes_at_once(admin, make_key):
    first = make_key("ingest", name="orion")
    key = ApiKey.objects.get(name="orion")
    made = send(admin, "POST", f"keys/{key.pk}/rotate-secret", {"grace_hours": 0}, 201)
    assert made["former_until"] is None
    assert caller(first) is None
    assert caller(made["secret"]) is not None
    assert "grace_hours" in str(send(admin, "POST", f"keys/{key.pk}/rotate-secret", {"grace_hours": -1}, 400))


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"name": ""}, "name", "may not be blank"),
        ({"name": "x" * 101}, "name", "no more than 100"),
        ({"name": "an administrator"}, "name", "already exists"),
        ({"scopes": []}, "scopes", "may not be empty"),
        ({"scopes": None}, "scopes", "may not be null"),
        ({"scopes": ["root"]}, "scopes/0", "not a valid choice"),
        ({"scopes": "ingest"}, "scopes", "Expected a list"),
        ({"allowed_sources": ["syslog", "smoke"]}, "allowed_sources/1", "not a valid choice"),
        ({"in_url": True}, "allowed_sources", "exactly one source"),
        ({"in_url": True, "allowed_sources": ["syslog", "native"]}, "allowed_sources", "exactly one source"),
        ({"in_url": True, "allowed_sources": ["syslog"], "scopes": ["ingest", "read"]}, "scopes", "ingest alone"),
        ({"in_url": True, "allowed_sources": ["syslog"], "scopes": ["admin"]}, "scopes", "ingest alone"),
        ({"rate_limit": "fast"}, "rate_limit", "100/second"),
        ({"rate_limit": "0/second"}, "rate_limit", "100/second"),
        ({"rate_limit": "1/second;1/day"}, "rate_limit", "100/second"),
        ({"rate_limit": "-1/second"}, "rate_limit", "100/second"),
        ({"rate_limit": "1/fortnight"}, "rate_limit", "100/second"),
        ({"expires_at": "soon"}, "expires_at", "wrong format"),
        ({"is_active": "perhaps"}, "is_active", "valid boolean"),
    ],
)
def test_what_could_not_be_meant_is_refused_beside_its_field(admin, wrong, field, said):
    problem = send(admin, "POST", "keys", {**NEW, **wrong}, 400)
    assert said in faults(problem)[f"/{field}"]
    made = send(admin, "POST", "keys", {**NEW, "name": "other"}, 201)
    assert said in faults(send(admin, "PATCH", f"keys/{made['id']}", wrong, 400))[f"/{field}"]
    assert ApiKey.objects.count() == 2


@pytest.mark.parametrize("rate", ["", "1/second", "6000/minute", "5/hour", "999999999/day"])
def test_rates_that_can_be_kept_are_taken(admin, rate):
    assert send(admin, "POST", "keys", {**NEW, "rate_limit": rate}, 201)["rate_limit"] == rate


def test_a_key_that_signs_is_for_sending_only(admin):
    wrong = {**NEW, "scopes": ["ingest", "read"], "signed": True}
    assert "ingest alone" in faults(send(admin, "POST", "keys", wrong, 400))["/scopes"]
    made = send(admin, "POST", "keys", {**NEW, "signed": True}, 201)
    problem = send(admin, "PATCH", f"keys/{made['id']}", {"scopes": ["ingest", "read"]}, 400)
    assert "a key that signs" in faults(problem)["/scopes"]
    reader = send(admin, "POST", "keys", {"name": "reader", "scopes": ["read"]}, 201)
    problem = send(admin, "POST", f"keys/{reader['id']}/rotate-signing-secret", None, 400)
    assert "a key that signs" in faults(problem)["/scopes"]
    assert get(admin, f"keys/{reader['id']}")["signing_secret_count"] == 0


def test_a_key_is_changed_deactivated_and_deleted(admin):
    made = send(admin, "POST", "keys", NEW, 201)
    change = {"name": "renamed", "allowed_sources": ["syslog"], "in_url": True, "rate_limit": "1/second"}
    assert change.items() <= send(admin, "PATCH", f"keys/{made['id']}", change, 200).items()
    assert caller(made["secret"]).in_url
    send(admin, "PATCH", f"keys/{made['id']}", {"is_active": False}, 200)
    assert caller(made["secret"]) is None
    send(admin, "DELETE", f"keys/{made['id']}", None, 204)
    get(admin, f"keys/{made['id']}", 404)


@pytest.mark.parametrize(
    "field", ["prefix", "digest", "secret", "signing_secret", "signing_secrets", "last_used_at", "created_at"]
)
def test_what_mutt_writes_cannot_be_sent(admin, field):
    made = send(admin, "POST", "keys", {**NEW, field: "2020-01-01T00:00:00Z"}, 201)
    row = ApiKey.objects.filter(pk=made["id"]).values().get()
    send(admin, "PATCH", f"keys/{made['id']}", {field: "2020-01-01T00:00:00Z"}, 200)
    assert ApiKey.objects.filter(pk=made["id"]).values().get() == row
    assert row["created_at"] > timezone.now() - timedelta(minutes=1)


def test_a_key_is_never_replaced_as_a_whole(admin):
    send(admin, "PUT", f"keys/{own(admin)['id']}", NEW, 405)


def test_a_change_leaves_alone_what_others_write_meanwhile(admin, monkeypatch):
    made = send(admin, "POST", "keys", NEW, 201)
    used = timezone.now()
    save = ApiKey.save

    def meanwhile(key: ApiKey, **how: Any) -> None:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=used)
        save(key, **how)

    monkeypatch.setattr(ApiKey, "save", meanwhile)
    send(admin, "PATCH", f"keys/{made['id']}", {"name": "renamed"}, 200)
    key = ApiKey.objects.get(pk=made["id"])
    assert (key.name, key.last_used_at) == ("renamed", used)


def test_signing_secrets_rotate_and_the_one_before_is_taken_until_it_is_dropped(admin):
    made = send(admin, "POST", "keys", NEW, 201)
    path = f"keys/{made['id']}"
    handed_out = []
    for count in (1, 2, 2):
        answer = send(admin, "POST", f"{path}/rotate-signing-secret", None, 201)
        assert answer["signing_secret_count"] == count
        handed_out.append(answer["signing_secret"])
    before = caller(made["secret"]).signing_secrets
    assert len(set(handed_out)) == 3
    answer = send(admin, "POST", f"{path}/drop-old-signing-secret", None, 200)
    assert answer.keys() == SHOWN
    assert answer["signing_secret_count"] == 1
    assert caller(made["secret"]).signing_secrets == before[:1]
    for secret in handed_out:
        assert secret not in str(answer) + str(get(admin, "keys"))


def test_without_an_older_signing_secret_none_can_be_dropped(admin):
    for signed in (False, True):
        made = send(admin, "POST", "keys", {"name": f"n {signed}", "scopes": ["ingest"], "signed": signed}, 201)
        problem = send(admin, "POST", f"keys/{made['id']}/drop-old-signing-secret", None, 409)
        assert "no older signing secret" in problem["detail"]
        assert get(admin, f"keys/{made['id']}")["signing_secret_count"] == signed


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("DELETE", None),
        ("PATCH", {"is_active": False}),
        ("PATCH", {"scopes": ["read"]}),
        ("PATCH", {"expires_at": "2020-01-01T00:00:00Z"}),
        ("PATCH", {"scopes": ["ingest"], "allowed_sources": ["syslog"], "in_url": True}),
    ],
)
def test_a_key_cannot_lock_itself_out(admin, method, body):
    before = own(admin)
    path = f"keys/{before['id']}"
    send(admin, "PATCH", path, {"name": "renamed"}, 200)
    problem = send(admin, method, path, body, 409)
    assert "the key you are calling with" in problem["detail"]
    send(admin, "PATCH", path, {"name": "an administrator", "expires_at": "2100-01-01T00:00:00Z"}, 200)
    assert "admin" in own(admin)["scopes"]


def test_another_key_may_delete_and_deactivate_administrators(admin, make_key):
    other = Client(headers={"X-API-KEY": make_key("admin", name="another")})
    path = f"keys/{own(other)['id']}"
    send(other, "PATCH", path, {"is_active": False}, 200)
    send(other, "DELETE", path, None, 204)


@pytest.mark.parametrize("scopes", [["ingest"], ["read"], ["write"], ["ingest", "read", "write"]])
def test_keys_without_the_scope_admin_manage_no_keys(make_key, scopes):
    client = Client(headers={"X-API-KEY": make_key(*scopes)})
    identifier = ApiKey.objects.get().pk
    get(client, "keys", 403)
    get(client, f"keys/{identifier}", 403)
    send(client, "POST", "keys", NEW, 403)
    send(client, "PATCH", f"keys/{identifier}", {"scopes": ["admin"]}, 403)
    send(client, "DELETE", f"keys/{identifier}", None, 403)
    for name in ("rotate", "drop-old"):
        send(client, "POST", f"keys/{identifier}/{name}-signing-secret", None, 403)
    assert ApiKey.objects.get().scopes == scopes


def test_the_scope_admin_is_for_keys_alone(make_key):
    alone = Client(headers={"X-API-KEY": make_key("admin")})
    get(alone, "rules", 403)
    get(alone, "events", 403)


def test_an_expired_or_unknown_key_manages_no_keys(make_key):
    expired = make_key("admin", expires_at=timezone.now() - timedelta(seconds=1))
    get(Client(headers={"X-API-KEY": expired}), "keys", 403)
    get(Client(headers={"X-API-KEY": "mutt_guess"}), "keys", 401)
    get(Client(), "keys", 401)


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("view_apikey", {"list", "retrieve"}),
        ("add_apikey", {"create"}),
        ("change_apikey", {"update", "rotate", "drop"}),
        ("delete_apikey", {"destroy"}),
        ("view_rule", set()),
    ],
)
def test_people_manage_keys_by_their_django_permissions(permission, allowed):
    client = person(permission)
    pk = ApiKey(name="gateway", scopes=["ingest"]).save_as_new(signed=True).key.pk
    calls = {
        "list": ("GET", "keys", None, 200),
        "retrieve": ("GET", f"keys/{pk}", None, 200),
        "create": ("POST", "keys", NEW, 201),
        "update": ("PATCH", f"keys/{pk}", {"name": "renamed"}, 200),
        "rotate": ("POST", f"keys/{pk}/rotate-signing-secret", None, 201),
        "drop": ("POST", f"keys/{pk}/drop-old-signing-secret", None, 200),
        "destroy": ("DELETE", f"keys/{pk}", None, 204),
    }
    for name, (method, path, body, status) in calls.items():
        send(client, method, path, body, status if name in allowed else 403)


def test_people_who_are_not_staff_manage_no_keys():
    client = Client()
    client.force_login(User.objects.create_user("bob", password="b"))
    get(client, "keys", 403)


def test_keys_are_listed_in_pages_without_a_query_for_each(admin, make_key, django_assert_num_queries):
    for number in range(5):
        make_key("read", name=f"key {number}")
    get(admin, "keys")
    with django_assert_num_queries(1):
        page = get(admin, "keys?limit=4")
    assert len(page["results"]) == 4
    assert len(get(admin, page["next"].partition("/api/v1/")[2])["results"]) == 2


def test_the_browsable_api_shows_keys_and_no_secrets(admin):
    made = send(admin, "POST", "keys", {**NEW, "signed": True}, 201)
    for path in ("keys", f"keys/{made['id']}"):
        page = admin.get(f"/api/v1/{path}", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "rsyslog" in page.content.decode()
        for hidden in (made["secret"], made["signing_secret"], ApiKey.objects.get(pk=made["id"]).digest):
            assert hidden not in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_rotations_at_once_keep_both_secrets(make_key, monkeypatch):
    client = Client(headers={"X-API-KEY": make_key(*Scope.values, name="an administrator")})
    made = send(client, "POST", "keys", NEW, 201)
    handed_out, begin = [], threading.Barrier(2)
    add = ApiKey.add_signing_secret

    def slowly(key: ApiKey) -> str:
        time.sleep(0.3)  # long enough for the other to read the same row, if it can
        return add(key)

    monkeypatch.setattr(ApiKey, "add_signing_secret", slowly)

    def rotate() -> None:
        begin.wait()
        answer = send(client, "POST", f"keys/{made['id']}/rotate-signing-secret", None, 201)
        handed_out.append(answer["signing_secret_count"])
        close_old_connections()

    threads = [threading.Thread(target=rotate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(handed_out) == [1, 2]
    assert len(caller(made["secret"]).signing_secrets) == 2
    assert caller(made["secret"]).may(Scope.INGEST, timezone.now())


def test_a_key_gives_no_scope_that_it_has_not(make_key):
    client = Client(headers={"X-API-KEY": make_key("admin", "ingest", name="a provisioner")})
    (own_key,) = get(client, "keys")["results"]
    other = ApiKey.create("an old one", ["read"]).key
    for scopes in (["write"], ["ingest", "read"]):
        problem = send(client, "POST", "keys", {**NEW, "scopes": scopes}, 400)
        assert "a key gives only scopes that it has" in faults(problem)["/scopes"]
        send(client, "PATCH", f"keys/{own_key['id']}", {"scopes": ["admin", *scopes]}, 400)
    send(client, "PATCH", f"keys/{other.pk}", {"scopes": ["read", "write"]}, 400)
    assert list(ApiKey.objects.order_by("id").values_list("scopes", flat=True)) == [["admin", "ingest"], ["read"]]
    send(client, "PATCH", f"keys/{other.pk}", {"scopes": ["read", "ingest"], "is_active": False}, 200)
    send(client, "POST", "keys", NEW, 201)
