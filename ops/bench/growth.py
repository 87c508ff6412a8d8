"""How the cost of an event grows with rules, and with records that are stored already."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ops.bench import records
from ops.bench.mix import Profile
from ops.bench.running import Bench, running

FEW_RULES, MANY_RULES = 100, 5_000
_ROUNDS = 2  # the cheaper one counts: nothing makes a round cheaper than it is


def with_rules(bench: Bench, events: int) -> float:
    """The cost with many rules, as a multiple of that with few. Raises Unaccounted."""
    costs: dict[int, list[float]] = {FEW_RULES: [], MANY_RULES: []}
    for _ in range(_ROUNDS):
        for rules, found in costs.items():
            bench.take_rules(rules)
            _cost_us(bench, events // 20)  # the workers compile the rules with the first event
            found.append(_cost_us(bench, events))
    return min(costs[MANY_RULES]) / min(costs[FEW_RULES])


def with_records(folder: Path, rules: int, events: int, count: int) -> float:
    """The cost with so many records stored, as a multiple of that with none; PostgreSQL is set up alike for both."""
    with _on(folder / "none", folder / "few", rules) as bench:
        few = min(_cost_us(bench, events) for _ in range(_ROUNDS))
    records.fill(count)
    try:
        with _on(records.folder_of(count), folder / "many", rules) as bench:
            many = min(_cost_us(bench, events) for _ in range(_ROUNDS))
    finally:
        records.forget_what_came(count)
    return many / few


@contextmanager
def _on(database: Path, folder: Path, rules: int) -> Iterator[Bench]:
    """A MUTT on this PostgreSQL."""
    with (
        records.server(database) as url,
        running(folder, given={"DATABASE_URL": url}) as bench,
    ):
        bench.beside["postgresql"] = records.pid(database)
        bench.stack.manage("reconcile", "--yes", "--reason", "the records are from another Redis")
        bench.take_rules(rules)
        yield bench


def _cost_us(bench: Bench, events: int) -> float:
    return bench.run(bench.write(Profile.MIX, events, 100)).cost.mutt_us
