"""What a benchmark prints, and its verdicts."""

import io
import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from ops.bench.load import Sent
from ops.bench.measuring import Cost, Reading
from ops.bench.mix import Corpus
from ops.bench.reference import Reference
from ops.bench.report import Report
from ops.bench.running import Result
from ops.bench.scaling import BATCHES, VARIATIONS, Scaling, Varied

CPU_US = {"web": 100.0, "worker-pipeline": 200.0, "postgresql": 150.0, "redis": 50.0, "sender": 5.0, "sink": 5.0}
SENT = Sent(begin=0, end=2, requests=100, refused=0, broken=0, p50=1, p95=20, p99=30)
RESULT = Result(
    Corpus(Path("corpus"), 100, 100, {}), SENT, 4.0, Cost(CPU_US, 1000, 900, 800, 2.5), {"p50": 1, "p95": 200, "p99": 2}
)
REFERENCE = Reference(events=1000, seconds=10, cpu_us=2000, memory_mib=100)


def test_rates_are_told_as_multiples_of_the_reference():
    report = Report(REFERENCE, {"hundreds": RESULT})
    found = report.as_json()["runs"]["hundreds"]
    assert (found["accepted_per_s"], found["ratio_accepted"]) == (5000, 50)
    assert (found["settled_per_s"], found["ratio_settled"]) == (2500, 25)
    assert found["ratio_cpu"] == 2000 / 500  # sender and sink are not MUTT's


def test_each_wanted_figure_that_was_measured_has_a_verdict():
    report = Report(
        REFERENCE,
        {"singles": RESULT, "hundreds": RESULT, "half": RESULT},
        memory_mb={"web": (200, 300), "worker-pipeline": (300, 400), "postgresql": (900, 900)},
        growth={"with 5,000 rules in place of 100": 1.2},
        backlog={"per_s": 2500, "memory": 1.05},
    )
    assert {verdict.what: verdict.met for verdict in report.verdicts()} == {
        "singles, accepted, times the reference": True,
        "singles, end to end, times the reference": True,
        "hundreds, end to end, times the reference": False,
        "half load, POST p99, ms": False,
        "half load, receipt to delivery p95, ms": True,
        "cost of an event, with 5,000 rules in place of 100, times": False,
        "web, workers, beat and Flower, MB": True,
        "backlog drains, times end to end": True,
        "a worker's memory while it drains, times": True,
    }
    assert Report().verdicts() == []


def test_tables_and_json_have_all_of_it():
    runs = [
        Varied(web, pipeline, replace(RESULT, corpus=Corpus(Path("corpus"), 10, batch, {})))
        for web, pipeline in VARIATIONS
        for batch in BATCHES
    ]
    report = Report(
        REFERENCE,
        {"hundreds": RESULT},
        memory_mb={"web": (200.0, 300.0)},
        redis_bytes={"100": 450.0},
        scaling=Scaling(runs, {"web": (120.0, 14, 30), "redis": (10.0, 0, 0)}),
        faults=["hundreds: 1 events are still pending"],
    )
    shown = io.StringIO()
    report.print(Console(file=shown, width=200))
    text = shown.getvalue()
    for words in ("100 events a second", "MUTT and stores", "the cores", "UNACCOUNTED FOR: hundreds: 1 events", "14"):
        assert words in text, words
    assert len(json.loads(json.dumps(report.as_json()))["scaling"]) == 12


def test_a_cost_is_the_difference_of_two_readings_over_the_events():
    before = Reading({"web": 1.0}, 100, 1000, 10, 5)
    after = Reading({"web": 1.5, "worker": 0.1}, 300, 5000, 110, 205)
    cost = Cost.between(before, after, 100)
    assert {kind: round(spent) for kind, spent in cost.cpu_us.items()} == {"web": 5000, "worker": 1000}
    assert (cost.wal_bytes, cost.table_bytes, cost.redis_bytes, cost.commands) == (2, 40, 1, 2)
