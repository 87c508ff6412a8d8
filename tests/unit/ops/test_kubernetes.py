"""What kustomize makes of ops/kubernetes is valid, complete and closed. There is no cluster here."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from django.conf import settings

from ops.local.stack import ROOT
from tests.kubectl import kubectl
from tests.unit.ops.deploying import LATEST, known_settings, looks_secret, queues_of, role_of

FOLDER = ROOT / "ops" / "kubernetes"
NAMES = ["small", "production", "without-beat"]
VERSIONS = ["1.32", "1.34", "1.37"]
OF_OPERATORS = {"keda.sh/v1alpha1", "monitoring.coreos.com/v1"}
PODS_OF = {"Deployment", "StatefulSet", "Job", "CronJob"}
OUTSIDE = {"mutt-authorities"}  # a ConfigMap that the people of the cluster make
POD_ONLY = {"POD_IP", "MUTT_HOST"}  # names that other names are made of
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Manifest]]:
    """The manifests of each overlay, and of production with CronJobs in place of beat."""
    folder = tmp_path_factory.mktemp("overlays")  # the last one has a backup, too
    up = "/".join([".."] * (len(folder.resolve().parts) - 1)) + str(FOLDER)
    (folder / "kustomization.yaml").write_text(
        (FOLDER / "overlays/production/kustomization.yaml")
        .read_text()
        .replace("../../", f"{up}/")
        .replace("# - ", "- ")
        .replace("[settings.env]", f"[{folder}/settings.env]")
    )
    for path in (FOLDER / "overlays/production").glob("[as]*"):
        (folder / path.name).write_text(path.read_text())
    places = [FOLDER / "overlays/small", FOLDER / "overlays/production", folder]
    return dict(zip(NAMES, map(_build, places), strict=True))


def _build(place: Path) -> list[Manifest]:
    words = [str(kubectl()), "kustomize", str(place)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


@pytest.fixture(params=NAMES)
def manifests(request: pytest.FixtureRequest, built: dict[str, list[Manifest]]) -> list[Manifest]:
    return built[request.param]


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    found = [manifest for manifest in manifests if manifest["kind"] in kinds]
    assert found, kinds
    return found


def template(manifest: Manifest) -> Manifest:
    """The pod that a deployment, a job and so on are about."""
    spec = manifest["spec"]
    found: Manifest = spec["jobTemplate"]["spec"]["template"] if manifest["kind"] == "CronJob" else spec["template"]
    return found


def containers(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """The name of each manifest with pods, its pod and its container."""
    for manifest in manifests:
        if manifest["kind"] in PODS_OF:
            pod = template(manifest)["spec"]
            for container in pod["containers"]:
                yield manifest["metadata"]["name"], pod, container


def ours(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    return (found for found in containers(manifests) if found[2]["name"] == "mutt")


def labels(manifest: Manifest) -> dict[str, str]:
    found: dict[str, str] = template(manifest)["metadata"]["labels"]
    return found


def selects(selector: Manifest, given: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {}).items() <= given.items()
    return wanted and all(
        given.get(term["key"]) in term["values"]
        for term in selector.get("matchExpressions", [])
        if term["operator"] == "In"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_manifests_hold_by_the_schemas_of_kubernetes(manifests: list[Manifest], version: str):
    for manifest in manifests:
        if manifest["apiVersion"] not in OF_OPERATORS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_objects_of_keda_hold_by_its_schema_and_nothing_in_them_is_unknown(built: dict[str, list[Manifest]]):
    found = of_kind(built["production"], "ScaledObject", "TriggerAuthentication")
    for manifest in found:
        model = getattr(keda, manifest["kind"]).model_validate(manifest)
        assert model.model_dump(mode="json", by_alias=True, exclude_unset=True)["spec"] == manifest["spec"]


def test_keda_scales_deployments_by_the_lists_of_their_queues_and_nobody_else_sets_their_number(
    built: dict[str, list[Manifest]],
):
    deployments = {manifest["metadata"]["name"]: manifest for manifest in of_kind(built["production"], "Deployment")}
    (access,) = of_kind(built["production"], "TriggerAuthentication")
    for scaled in of_kind(built["production"], "ScaledObject", "HorizontalPodAutoscaler"):
        target = deployments[scaled["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"]
        for trigger in scaled["spec"].get("triggers", []):
            words = target["spec"]["template"]["spec"]["containers"][0]["args"]
            assert {trigger["metadata"]["listName"]} == queues_of(words)
            assert trigger["authenticationRef"]["name"] == access["metadata"]["name"]


def test_each_role_and_queue_is_there_and_beat_at_most_once(built: dict[str, list[Manifest]]):
    for name in NAMES:
        words = [container["args"] for _, _, container in ours(built[name])]
        roles = [role_of(args) for args in words]
        assert {"web", "worker", "flower", "manage"} <= set(roles)
        assert roles.count("beat") == (0 if name == "without-beat" else 1)
        served = sorted(queue for args in words for queue in queues_of(args))
        assert served == sorted(queue.name for queue in settings.CELERY_TASK_QUEUES)


def test_without_beat_cron_jobs_send_each_task_that_beat_would(built: dict[str, list[Manifest]]):
    sent = []
    jobs = [found for found in of_kind(built["without-beat"], "CronJob") if found["metadata"]["name"] != "mutt-backup"]
    for _, _, container in ours(jobs):
        assert container["args"][:2] == ["manage", "send_tasks"]
        sent += container["args"][2:]
    scheduled = {str(entry["task"]) for entry in settings.CELERY_BEAT_SCHEDULE.values()} | {"ingest.send_canary"}
    assert sorted(sent) == sorted(scheduled)


def test_containers_are_told_nothing_but_known_settings_and_no_secret(manifests: list[Manifest]):
    (shared,) = [found for found in of_kind(manifests, "ConfigMap") if "MOOGSOFT_URL" in found["data"]]
    for name, _, container in ours(manifests):
        assert [source["configMapRef"]["name"] for source in container["envFrom"]] == [shared["metadata"]["name"]]
        told = {entry["name"]: entry.get("value", "") for entry in container["env"]} | shared["data"]
        assert set(told) - POD_ONLY <= known_settings(), name
        assert not [word for word, value in told.items() if looks_secret(word, value)]
    assert not [manifest for manifest in manifests if manifest["kind"] == "Secret"]


def test_every_file_of_a_secret_is_mounted_from_a_key(manifests: list[Manifest]):
    for name, pod, container in containers(manifests):
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        mounted = set()
        for mount in container["volumeMounts"]:
            if secret := volumes.get(mount["name"], {}).get("secret"):
                assert mount["readOnly"]
                assert secret["defaultMode"] == 0o440
                mounted |= {f"{mount['mountPath']}/{item['path']}" for item in secret["items"]}
        words = [entry.get("value", "") for entry in container.get("env", [])] + container.get("args", [])
        assert {word for word in words if word.startswith("/run/secrets/")} == mounted, name


def test_what_is_mounted_is_there_or_made_by_people(manifests: list[Manifest]):
    there = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
    for _, pod, container in containers(manifests):
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        for volume in volumes.values():
            if "configMap" in volume:
                name = volume["configMap"]["name"]
                assert name in OUTSIDE or ("ConfigMap", name) in there
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in there
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        assert set(volumes) <= mounts <= set(volumes) | {"data", "wal"}


def test_pods_are_restricted_and_ask_nothing_of_the_cluster(manifests: list[Manifest]):
    (namespace,) = of_kind(manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, pod, container in containers(manifests):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC"}
        assert not [volume for volume in pod.get("volumes", []) if "hostPath" in volume]
        assert not LATEST.search(container["image"]), container["image"]
        assert container["resources"].keys() == {"requests", "limits"}
        assert container["resources"]["limits"].keys() == {"memory"}
    for account in of_kind(manifests, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_what_runs_for_ever_is_watched_and_its_probes_ask_a_port_that_is_there(manifests: list[Manifest]):
    for manifest in of_kind(manifests, "Deployment", "StatefulSet"):
        for name, _, container in containers([manifest]):
            ports = {port["name"] for port in container.get("ports", [])}
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                probe = container[kind]
                asked = probe.get("httpGet") or probe.get("tcpSocket")
                assert asked["port"] in ports if asked else probe["exec"]["command"], (name, kind)
            # A store that is away must not have our own processes started again and again.
            assert "/readyz" not in str(container["livenessProbe"])


def test_services_and_the_ingress_lead_to_ports_of_pods(manifests: list[Manifest]):
    pods = [(labels(found), found) for found in of_kind(manifests, "Deployment", "StatefulSet")]
    services = {found["metadata"]["name"]: found["spec"] for found in of_kind(manifests, "Service")}
    for name, spec in services.items():
        if "selector" not in spec:
            assert name == "mutt-nobody"
            continue
        reached = [found for given, found in pods if spec["selector"].items() <= given.items()]
        assert len(reached) == 1, name
        ports = {port["name"] for _, _, container in containers(reached) for port in container["ports"]}
        assert {port["targetPort"] for port in spec["ports"]} <= ports
    (ingress,) = of_kind(manifests, "Ingress")
    for path in ingress["spec"]["rules"][0]["http"]["paths"]:
        backend = path["backend"]["service"]
        assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["ports"]}
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-request-buffering"] == "on"


def test_every_deployment_of_several_has_a_budget_and_is_spread(manifests: list[Manifest]):
    budgets = [found["spec"]["selector"] for found in of_kind(manifests, "PodDisruptionBudget")]
    alone = {"beat", "flower"}
    for deployment in of_kind(manifests, "Deployment"):
        given = labels(deployment)
        assert deployment["spec"]["selector"]["matchLabels"].items() <= given.items()
        part = given["app.kubernetes.io/component"]
        assert len([budget for budget in budgets if selects(budget, given)]) == (0 if part in alone else 1), part
        if part not in alone:
            assert template(deployment)["spec"]["topologySpreadConstraints"]
        for budget in of_kind(manifests, "PodDisruptionBudget"):
            assert budget["spec"]["maxUnavailable"] == 1  # an only pod can be moved


def test_nothing_reaches_anything_but_for_what_a_policy_names(manifests: list[Manifest]):
    policies = of_kind(manifests, "NetworkPolicy")
    (deny,) = [policy["spec"] for policy in policies if policy["spec"]["podSelector"] == {}]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    pods = [found for found in manifests if found["kind"] in PODS_OF]
    for pod in pods:
        mine = [policy["spec"] for policy in policies if selects(policy["spec"]["podSelector"], labels(pod))]
        out = {port["port"] for spec in mine for rule in spec.get("egress", []) for port in rule["ports"]}
        into = {port["port"] for spec in mine for rule in spec.get("ingress", []) for port in rule["ports"]}
        part = labels(pod).get("app.kubernetes.io/component", "")
        if labels(pod)["app.kubernetes.io/name"] == "mutt":
            assert out == {53, 5432, 6379, 6380, *([443] if part in {"worker-forward", "backup"} else [])}, part
            assert {8000} <= into if part == "web" else True
        else:
            assert into
            assert not out
    for policy in policies:
        assert any(selects(policy["spec"]["podSelector"], labels(pod)) for pod in pods)


def test_monitors_ask_the_ports_that_serve_metrics(built: dict[str, list[Manifest]]):
    for monitor in of_kind(built["production"], "PodMonitor"):
        reached = [
            found
            for found in of_kind(built["production"], "Deployment")
            if selects(monitor["spec"]["selector"], labels(found))
        ]
        assert reached
        for _, _, container in containers(reached):
            ports = {port["name"] for port in container["ports"]}
            assert {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]} <= ports


def test_a_backup_is_made_each_night_by_the_image_with_postgresqls_programs(built: dict[str, list[Manifest]]):
    (backup,) = [
        found for found in of_kind(built["without-beat"], "CronJob") if found["metadata"]["name"] == "mutt-backup"
    ]
    ((_, pod, container),) = containers([backup])
    assert role_of(container["args"]) == "backup"
    assert container["image"].startswith("mutt-backup:")
    assert labels(backup)["app.kubernetes.io/component"] == "backup"  # not what the clock's jobs have in common
    assert {"authorities", "backup", "key"} <= {volume["name"] for volume in pod["volumes"]}
    assert container["args"][1].startswith("/backup/")  # the volume itself may have a folder lost+found in it


def test_the_small_overlay_lets_mutt_reach_nothing_but_its_own_stores(built: dict[str, list[Manifest]]):
    stores = {labels(found)["app.kubernetes.io/name"] for found in of_kind(built["small"], "StatefulSet")}
    (policy,) = [f for f in of_kind(built["small"], "NetworkPolicy") if f["metadata"]["name"] == "mutt-stores"]
    reached = [place for rule in policy["spec"]["egress"] for place in rule["to"] if "namespaceSelector" not in place]
    assert {place["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for place in reached} == stores


def test_the_small_overlay_starts_postgresql_as_compose_does(built: dict[str, list[Manifest]]):
    compose = yaml.safe_load((ROOT / "ops" / "compose.yaml").read_text())["services"]["postgresql"]
    (postgresql,) = [container for name, _, container in containers(built["small"]) if name == "postgresql"]
    assert postgresql["args"] == compose["command"]
    (access,) = [f["data"] for f in of_kind(built["small"], "ConfigMap") if "pg_hba.conf" in f["data"]]
    assert access["pg_hba.conf"] == (ROOT / "ops" / "postgresql" / "pg_hba.conf").read_text()


def test_the_small_overlay_starts_redis_as_compose_does(built: dict[str, list[Manifest]]):
    compose = yaml.safe_load((ROOT / "ops" / "compose.yaml").read_text())["services"]["redis"]["command"]
    (redis,) = [container for name, _, container in containers(built["small"]) if name == "redis"]
    normal = [re.sub(r"\$\{.*:-(.*)\}", r"\1", word).replace("redis_auth", "redis/auth") for word in compose]
    assert redis["args"] == normal
