"""The file of objectives: what comes with MUTT, what may be changed, and every fault by its place."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured

from audit.tallies import LATENCY_BOUNDS_S
from mutt_project.slo.objectives import BUILT_IN, Measure, Objective, ObjectivesError, read_objectives

GOOD = '[door]\nmeasure = "ingest_availability"\ntarget = 0.99\nwindow_days = 7\n'
LATENCY = '[fast]\nmeasure = "processing_latency"\ntarget = 0.9\nwindow_days = 7\n'


def read(tmp_path: Path, text: str | bytes) -> tuple[Objective, ...]:
    path = tmp_path / "slo.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_objectives(path, LATENCY_BOUNDS_S)


def test_three_objectives_come_with_mutt():
    found = read_objectives(BUILT_IN, LATENCY_BOUNDS_S)
    month = timedelta(days=30)
    assert [(one.measure, one.target, one.window, one.within_s) for one in found] == [
        (Measure.INGEST_AVAILABILITY, 0.999, month, None),
        (Measure.PROCESSING_LATENCY, 0.95, month, 30.0),
        (Measure.DELIVERY_SUCCESS, 0.995, month, None),
    ]


def test_a_file_of_ones_own_says_otherwise(tmp_path):
    assert read(tmp_path, GOOD + LATENCY + "within_s = 5\n") == (
        Objective("door", "", Measure.INGEST_AVAILABILITY, 0.99, timedelta(days=7)),
        Objective("fast", "", Measure.PROCESSING_LATENCY, 0.9, timedelta(days=7), 5.0),
    )


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["It has no objective"]),
        ("[door", ["no TOML"]),
        (b"\xff", ["no TOML"]),
        ("target = 0.9\n" + GOOD, ["target: it stands outside"]),
        (GOOD.replace("0.99", "99.9"), ["[door] target: 99.9 is not a share"]),
        (GOOD.replace("0.99", "1"), ["[door] target: 1 is not"]),
        (GOOD.replace("0.99", '"0.99"'), ["[door] target: '0.99' is not"]),
        (GOOD.replace("target = 0.99\n", ""), ["[door] target: it is missing"]),
        (GOOD.replace("7", "91"), ["[door] window_days: 91 is not a whole number from 1 to 90"]),
        (GOOD.replace("7", "true"), ["[door] window_days: True"]),
        (
            GOOD.replace("ingest_availability", "uptime"),
            ["[door] measure: 'uptime' is not one of ingest_availability,"],
        ),
        (GOOD.replace('"ingest_availability"', "[1]"), ["[door] measure: [1] is not"]),
        (GOOD + "within_s = 5\n", ["[door] within_s: it is for processing_latency only"]),
        (GOOD + "windows = 5\n", ["[door] windows: there is no such word"]),
        (GOOD + "description = 5\n", ["[door] description: 5 is not a text"]),
        (LATENCY, ["[fast] within_s: it is missing: give one of 0.1,"]),
        (LATENCY + "within_s = 31\n", ["[fast] within_s: 31 is not one of 0.1,"]),
        (LATENCY + "within_s = []\n", ["[fast] within_s: [] is not"]),
        (GOOD.replace("0.99", "2") + LATENCY, ["[door] target", "[fast] within_s"]),
    ],
)
def test_a_file_that_is_wrong_is_told_every_fault(tmp_path, text, faults):
    with pytest.raises(ObjectivesError) as raised:
        read(tmp_path, text)
    lines = str(raised.value).splitlines()
    assert len(lines) == len(faults)
    for line, fault in zip(lines, faults, strict=True):
        assert fault in line


@pytest.mark.parametrize("content", [None, GOOD.replace("0.99", "2")])
def test_a_file_that_cannot_be_used_stops_the_start_and_is_named(tmp_path, settings, content):
    path = tmp_path / "slo.toml"
    if content is not None:
        path.write_text(content)
    settings.MUTT_SLO_FILE = str(path)
    with pytest.raises(ImproperlyConfigured, match=r"MUTT_SLO_FILE cannot be used: .*slo\.toml"):
        apps.get_app_config("mutt_project").ready()
