"""`make bench-rules`: what matching one event costs, compiled and by the reference, as the number of rules grows."""

import random
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from rules.compiled import Matcher
from rules.event import Event, Handling, Severity
from rules.matching import MatchType, Rule, RuleSet, decide
from rules.regex import translate

SIZES = (100, 1_000, 10_000)
_WORDS = (
    *("interface", "link", "port", "line", "fan", "supply", "module", "slot", "neighbor", "session", "tunnel", "peer"),
    *("route", "vlan", "trunk", "memory", "cpu", "disk", "process", "licence", "power", "chassis", "stack", "ring"),
    *("optic", "transceiver", "policy", "flow", "cluster", "standby", "primary", "lease", "pool"),
)
_STATES = ("down", "up", "failed", "flapping", "degraded", "exceeded", "lost", "absent", "rejected", "expired")
_NAMES = ("GigabitEthernet", "TenGigE", "Ethernet", "Port-channel", "Vlan", "Tunnel")


@dataclass(frozen=True, slots=True)
class Measured:
    rules: int
    build_s: float
    build_mib: float
    compiled_us: float
    reference_us: float


@click.command()
@click.option("--events", default=2_000, show_default=True, help="Distinct events to match.")
@click.option("--seed", default=1, show_default=True, help="For the rules and events.")
@click.option("--memory-of", type=int, hidden=True, help="Print what so many rules take in this fresh process, in MiB.")
def main(events: int, seed: int, memory_of: int | None) -> None:
    """Measure matching at 100, 1,000 and 10,000 mixed rules."""
    if memory_of:
        click.echo(_taken_mib(memory_of, events, seed))
        return
    chance = random.Random(seed)  # noqa: S311 - invented rules need no secrecy  # nosec B311
    sample = [event(chance) for _ in range(events)]
    measured = [
        _measure([rule(chance, number) for number in range(size)], sample, _memory_mib(size, events, seed))
        for size in SIZES
    ]
    table = Table(title=f"one event against mixed rules (median of 5 rounds over {events:,} events)")
    for heading in ("rules", "compile", "memory", "compiled", "reference", "reference ÷ compiled"):
        table.add_column(heading, justify="right")
    for one in measured:
        table.add_row(
            f"{one.rules:,}",
            f"{one.build_s:.2f} s",
            f"{one.build_mib:.0f} MiB",
            f"{one.compiled_us:.1f} µs",
            f"{one.reference_us:,.0f} µs",
            f"{one.reference_us / one.compiled_us:,.0f}",
        )
    console = Console(highlight=False)
    console.print(table)
    few, some, many = measured
    console.print(f"10,000 rules cost {many.compiled_us / few.compiled_us:.1f} times what 100 cost (wanted: below 5)")
    console.print(
        f"at 1,000 rules {some.reference_us / some.compiled_us:.0f} times faster than the reference (wanted: 50)"
    )


def _measure(rules: list[Rule], events: Sequence[Event], memory: float) -> Measured:
    rule_set = RuleSet(1, tuple(rules))
    translate.cache_clear()  # as in a process that has just started
    begin = time.perf_counter()
    matcher = Matcher(rule_set)
    matcher.decide(events[0])
    build = time.perf_counter() - begin
    few = events[: max(20, 20_000 // len(rules))]
    if [matcher.decide(one) for one in few] != [decide(one, rule_set) for one in few]:
        raise RuntimeError("the compiled rules do not decide as the reference does")
    return Measured(
        rules=len(rules),
        build_s=build,
        build_mib=memory,
        compiled_us=_median_us(matcher.decide, events),
        reference_us=_median_us(lambda one: decide(one, rule_set), few),
    )


def _memory_mib(size: int, events: int, seed: int) -> float:
    command = [sys.executable, "-m", "ops.bench.rules", "--memory-of", str(size), "--events", str(events)]
    return float(subprocess.run([*command, "--seed", str(seed)], capture_output=True, check=True, text=True).stdout)  # nosec B603 # no input of a user is in it


def _taken_mib(size: int, events: int, seed: int) -> float:
    """What a matcher takes once it has seen all events, without the rules that it is made of."""
    chance = random.Random(seed)  # noqa: S311 - as above  # nosec B311
    sample = [event(chance) for _ in range(events)]
    rule_set = RuleSet(1, tuple(rule(chance, number) for number in range(size)))
    before = _resident_mib()
    matcher = Matcher(rule_set)
    for one in sample:
        matcher.decide(one)
    return _resident_mib() - before


def _resident_mib() -> float:
    """The memory of this process in MiB (proc(5), statm), the automata of C++ and Rust included."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def _median_us(decided: Callable[[Event], object], events: Sequence[Event]) -> float:
    """Microseconds for one event, as the median of rounds; every round gets events that have cached nothing."""
    rounds = []
    for _ in range(5):
        fresh = [Event(one.hostname, one.message, one.syslog_severity, one.trap_oid) for one in events]
        begin = time.perf_counter()
        for event in fresh:
            decided(event)
        rounds.append((time.perf_counter() - begin) / len(fresh) * 1e6)
    return statistics.median(rounds)


def rule(chance: random.Random, number: int) -> Rule:
    """One of the mixed rules."""
    text, pattern, oid, severity = None, None, None, None
    kind = chance.random()
    if kind < 0.6:  # noqa: PLR2004 - the mix: 60 % texts, 25 % expressions, 15 % OIDs
        text = f"{chance.choice(_WORDS)} {chance.choice(_WORDS)} {chance.randrange(400)} {chance.choice(_STATES)}"
    elif kind < 0.85:  # noqa: PLR2004 - as above
        pattern = chance.choice(
            (
                rf"%[A-Z]+-\d-{chance.choice(_WORDS).upper()}{chance.randrange(400)}:",
                rf"\b{chance.choice(_WORDS)}{chance.randrange(400)}\b.*\b{chance.choice(_STATES)}$",
                rf"(?i){chance.choice(_NAMES)}{chance.randrange(400)}/\d+.*{chance.choice(_STATES)}",
                rf"^{chance.choice(_WORDS)}\[\d+\]: \w+ {chance.choice(_WORDS)} {chance.randrange(400)}",
            )
        )
    else:
        oid = f"1.3.6.1.4.1.{chance.randrange(900)}.{chance.randrange(50)}.{chance.randrange(9)}"
    if chance.random() < 0.2:  # noqa: PLR2004 - one in five minds the severity
        severity = chance.choice(list(Severity))
    return Rule(
        id=number,
        priority=chance.randrange(1, 1001),
        match_type=MatchType.REGEX if pattern else MatchType.OID_PREFIX if oid else MatchType.CONTAINS,
        prod_handling=chance.choice(list(Handling)),
        dev_handling=Handling.IGNORE,
        name=f"rule {number}",
        match_string=text or pattern,
        trap_oid=oid,
        syslog_severity=severity,
    )


def event(chance: random.Random) -> Event:
    """An event as the rules are about; few of them match one."""
    word, other, state, number = (*chance.sample(_WORDS, 2), chance.choice(_STATES), chance.randrange(400))
    port, process = f"{chance.choice(_NAMES)}{number}/{chance.randrange(48)}", chance.randrange(9999)
    message = chance.choice(
        (
            f"%LINK-3-UPDOWN: Interface {port}, changed state to {state}",
            f"%SYS-5-{word.upper()}{number}: {other} {word} {number} {state} (pid {process})",
            f"{word}[{process}]: {other} {word} {number} reported as {state}",
            f"last message about {word}{number} repeated {number} times, then {state}",
        )
    )
    trap = f"1.3.6.1.4.1.{chance.randrange(900)}.{chance.randrange(50)}.{chance.randrange(9)}.0.{number}"
    return Event(
        f"host-{number}",
        message,
        chance.choice(list(Severity)),
        trap if chance.random() < 0.15 else None,  # noqa: PLR2004 - the share of traps
    )


if __name__ == "__main__":
    main()
