"""Requests that no client of MUTT sends: each is refused, or answered, with a plain word and without a stack trace."""

import pytest
from django.core.management import call_command
from django.test import Client

from ingest.models import ApiKey

pytestmark = pytest.mark.django_db

ONE_OF_EACH = ["rules", "rules/1", "dev-hosts/1", "teams/1", "breaker", "breaker/resume", "retention", "keys", "events"]


@pytest.mark.parametrize("path", ONE_OF_EACH)
def test_options_tells_a_name_and_takes_no_lock(make_key, path):
    answer = Client(headers={"X-API-KEY": make_key("read", "write", "admin")}).options(f"/api/v1/{path}")
    assert answer.status_code == 200
    assert "name" in answer.json()
    assert "actions" not in answer.json()


@pytest.mark.parametrize("version", ["%0a", "%0d", "a%22b", "v2"])
def test_the_openapi_document_has_one_version_whatever_is_asked_for(version):
    answer = Client().get(f"/api/v1/openapi.yaml?version={version}")
    assert (answer.status_code, answer["Content-Disposition"]) == (200, 'inline; filename="MUTT.yaml"')


@pytest.mark.parametrize(
    "path",
    [
        "/admin/audit/archive/?state__exact=%00",
        "/admin/rules/developmenthost/?hostname=%00",
        "/admin/ingest/apikey/1/change/?_to_field=",
        "/admin/ingest/apikey/1/change/?a=b&_to_field=&c=d",
    ],
)
def test_a_query_that_admin_would_stumble_over_is_refused(admin_client, path):
    answer = admin_client.get(path)
    assert answer.status_code == 400
    assert "_to_field" in answer.json()["detail"]


def test_a_query_with_a_zero_in_it_is_no_odd_one(admin_client):
    assert admin_client.get("/admin/rules/rule/?q=100%25+%2500").status_code == 200


def test_access_is_ensured_even_if_somebody_has_renamed_the_key(settings):
    settings.MUTT_SECRETS = {
        "MUTT_ADMIN_PASSWORD": "made up for this test",
        "MUTT_LOCAL_API_KEY": "mutt_made_up_for_this_test",
    }
    call_command("ensure_access")
    ApiKey.objects.update(name="renamed")
    call_command("ensure_access")
    assert [key.name for key in ApiKey.objects.all()] == ["renamed"]


def test_a_form_without_its_boundary_is_refused_without_a_stack_trace(client, caplog):
    answer = client.generic("POST", "/admin/login/", b"x", "multipart/form-data")
    assert answer.status_code < 500
    assert not any(record.exc_info for record in caplog.records)
