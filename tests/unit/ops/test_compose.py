"""The compose files are valid, complete, and hand out no more than each container needs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from ops.docker.health import is_well
from ops.local.stack import ROOT
from tests.unit.ops.deploying import LATEST, known_settings, looks_secret, queues_of, role_of

FILES = [ROOT / "ops" / "compose.yaml", ROOT / "ops" / "compose.vault.yaml"]
WHOLE, WITH_VAULT = (yaml.safe_load(path.read_text()) for path in FILES)
SERVICES: dict[str, dict[str, Any]] = WHOLE["services"] | {"openbao-set-up": WITH_VAULT["services"]["openbao-set-up"]}
OURS = {name: service for name, service in SERVICES.items() if "MUTT_IMAGE" in service.get("image", "")}
ONE_SHOT = {"volumes", "openbao-set-up", "prepare", "backup"}
FOREIGN_ENVIRONMENT = ("POSTGRES_", "GF_", "BAO_", "HOME")


def test_the_files_hold_by_the_schema_of_compose():
    checker = Path(sys.executable).with_name("check-jsonschema")
    words = [str(checker), "--builtin-schema", "vendor.compose-spec", *map(str, FILES)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_role_has_a_service_and_each_queue_a_worker():
    roles = [role_of(service["command"]) for service in OURS.values()]
    assert {"web", "worker", "beat", "flower", "manage"} == set(roles)
    assert roles.count("beat") == 1
    served = [queues_of(service["command"]) for service in OURS.values() if service["command"][0] == "worker"]
    assert sorted(queue for queues in served for queue in queues) == sorted(
        queue.name for queue in settings.CELERY_TASK_QUEUES
    )


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_told_nothing_but_known_settings_and_no_secret(name: str):
    told = {**OURS[name]["environment"], **WITH_VAULT["services"][name]["environment"]}
    assert set(told) <= known_settings()
    assert not [word for word, value in told.items() if looks_secret(word, str(value))]


@pytest.mark.parametrize("name", SERVICES)
def test_every_file_of_a_secret_is_handed_to_the_service_that_reads_it(name: str):
    given = {f"/run/secrets/{secret}" for secret in SERVICES[name].get("secrets", [])}
    told = {str(value) for value in SERVICES[name].get("environment", {}).values()}
    told |= {str(word) for word in SERVICES[name].get("command", []) if name == "backup"}
    assert {value for value in told if value.startswith("/run/secrets/")} <= given
    assert set(SERVICES[name].get("secrets", [])) <= set(WHOLE["secrets"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little_and_takes_a_bounded_share(name: str):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "mem_limit" in service
    assert not service.get("privileged")
    assert not LATEST.search(service["image"].partition(":-")[2].rstrip("}") or service["image"])
    published = [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")]
    assert not published or name == "proxy"
    assert service.get("user") not in {"root", "0"} or (name == "volumes" and service["network_mode"] == "none")


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_a_service_says_whether_it_is_well_and_has_time_to_end(name: str):
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    if name in OURS:
        assert service["healthcheck"]["test"] == ["CMD", "python", "-m", is_well.__module__]
        assert "stop_grace_period" in service


def test_services_wait_for_what_they_need_and_nothing_waits_in_a_circle():
    needs = {name: dict(service.get("depends_on", {})) for name, service in SERVICES.items()}
    for name, service in WITH_VAULT["services"].items():
        needs[name] |= service.get("depends_on", {})
    for needed in needs.values():
        for other, how in needed.items():
            done = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert how["condition"] == done, (other, how)
    seen: set[str] = set()
    while ready := {name for name, needed in needs.items() if name not in seen and set(needed) <= seen}:
        seen |= ready
    assert seen == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_from_the_checkout_is_there(name: str):
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("."):
            assert (ROOT / "ops" / source).exists(), volume
            assert volume.endswith(":ro")
        else:
            assert source in WHOLE["volumes"] | WITH_VAULT["volumes"]


def test_the_stores_can_be_reached_by_no_network_that_leads_outside():
    assert WHOLE["networks"]["back"]["internal"]
    for name in ("redis", "postgresql", "openbao"):
        assert SERVICES[name]["networks"] == ["back"]
    assert [name for name in OURS if "out" in OURS[name]["networks"]] == ["worker-forward"]


def test_a_backup_is_told_known_settings_and_reaches_both_stores_and_the_proxy():
    backup = SERVICES["backup"]
    assert role_of(backup["command"]) == "backup"
    assert set(backup["environment"]) <= known_settings()
    assert not [word for word, value in backup["environment"].items() if looks_secret(word, str(value))]
    reached = set(backup["networks"])
    assert all(reached & set(SERVICES[name]["networks"]) for name in ("redis", "postgresql", "proxy"))
    assert SERVICES["proxy"]["networks"]["front"]["aliases"] == ["${MUTT_HOST}"]
    assert "backup:/backup" in SERVICES["volumes"]["volumes"]


def test_redis_evicts_nothing_and_keeps_a_log_and_postgresql_archives_its_own():
    words = SERVICES["redis"]["command"]
    told = dict(zip(words[1::2], words[2::2], strict=True))
    assert (told["--appendonly"], told["--appendfsync"], told["--maxmemory-policy"]) == (
        "yes",
        "everysec",
        "noeviction",
    )
    assert "--maxmemory" in told
    assert not [word for word in words if "requirepass" in word]
    assert "archive_mode=on" in SERVICES["postgresql"]["command"]


def test_the_proxy_is_the_one_that_is_believed():
    address = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
    assert OURS["web"]["environment"]["MUTT_TRUSTED_PROXIES"] == address


def test_with_vault_no_secret_is_in_two_places():
    told = WITH_VAULT["x-vault"]
    files = {name for service in OURS.values() for name in service["environment"] if name.endswith("_FILE")}
    assert {name for name in told if told[name] == ""} == files
