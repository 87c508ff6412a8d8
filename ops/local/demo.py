"""`make demo` and `make run`: the whole of MUTT, with or without sample traffic, until Ctrl-C."""

import contextlib
import json
import signal
import sys
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from xmlrpc.client import Fault  # nosec B411 # our own supervisord answers

import click
import urllib3
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from ops.local import samples
from ops.local.stack import ROOT, NotStarted, Stack, stop_elsewhere
from ops.local.supervisor import News

console = Console(highlight=False)
_PATIENCE_S = 180
_MEANING = {
    "accepted": "answered 202, so never lost",
    "delivered": "a rule won; Moogsoft has taken the alert",
    "ignored": "a rule says: ignore (for this environment)",
    "unmatched": "no rule matched; counted per host and kind",
    "suppressed": "held back on purpose",
    "dead": "given up, kept as dead letters",
    "pending": "on their way",
    "rejected": "refused at the door, with the reason",
}


class Unbalanced(RuntimeError):  # noqa: N818 - it reads as a sentence
    """Events were not accounted for in time."""


@click.group()
def main() -> None:
    """Run MUTT on this machine, with everything that it needs."""


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT / "var", help="Where the data is kept.")
@click.option("--once", is_flag=True, help="End after the samples; the last line is the ledger as JSON.")
def demo(folder: Path, once: bool) -> None:  # noqa: FBT001 - click's way of passing flags
    """Start everything and send sample events."""
    _run(folder, traffic=True, once=once)


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT / "var", help="Where the data is kept.")
def run(folder: Path) -> None:
    """Start everything."""
    _run(folder, traffic=False, once=False)


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=ROOT / "var", help="Where the data is kept.")
def stop(folder: Path) -> None:
    """Stop what another terminal has started in this clone."""
    console.print("stopped" if stop_elsewhere(folder) else "nothing runs here")


def _run(folder: Path, *, traffic: bool, once: bool) -> None:
    signal.signal(signal.SIGTERM, _interrupt)
    first = not (folder / "secrets.json").exists()
    try:
        # The demo's ledger is about the samples that it sends: no canary of ours shall be among them.
        extra = {"MUTT_CANARY_EVERY_S": "0"} if traffic else {}
        stack = Stack(folder, extra, say=lambda text: console.print(f"[dim]·[/] {text}"))
        stack.start()
    except NotStarted as error:
        console.print(f"[red]not started:[/] {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    code = 0
    try:
        code = _serve(stack, traffic=traffic, once=once, first=first)
    except KeyboardInterrupt:
        console.print("\nstopping…")
    finally:
        line = json.dumps(_ledger(stack)) if once and code == 0 else ""
        stack.stop()
        if line:
            print(line)
    sys.exit(code)


def _serve(stack: Stack, *, traffic: bool, once: bool, first: bool) -> int:
    created = samples.load_rules(stack.web, stack.secrets["api_key"])
    if created:
        console.print(f"[dim]·[/] {created} sample rules, with development hosts and teams")
    if not traffic:
        _addresses(stack, first=first)
    stack.write_run_file()
    if traffic:
        try:
            _traffic(stack)
        except Unbalanced as error:
            console.print(f"[red]{error}[/]")
            if once:
                return 1
        _addresses(stack, first=first)
    if not once:
        console.print("\nEverything runs. Stop with Ctrl-C.")
        _watch(stack)
    return 0


def _traffic(stack: Stack) -> None:
    requests = list(samples.requests(datetime.now(UTC)))
    before = _ledger(stack)
    with Progress(console=console, transient=True) as progress:
        sending = progress.add_task("sending sample events", total=sum(request.events for request in requests))
        for request in requests:
            _post(stack, request)
            progress.advance(sending, request.events)
            _tell(stack)
        told = sum(request.events for request in requests)
        settling = progress.add_task("waiting for every event's outcome", total=told)
        ledger = _settle(stack, lambda now: progress.update(settling, completed=told - now["pending"]))
    console.print(f"\n{told:,} sample events in {len(requests)} requests; what became of them:")
    _table(ledger, before)
    counted = urllib3.request("GET", f"{stack.stub}/stats", timeout=30).json()["distinct"]
    console.print(f"The stub Moogsoft has counted {counted:,} distinct events; delivered are {ledger['delivered']:,}.")
    if not ledger["balanced"] or ledger["pending"] or counted != ledger["delivered"]:
        raise Unbalanced(f"Not every event is accounted for: see {stack.folder}/log/.")


def _post(stack: Stack, request: samples.Request) -> None:
    headers = {
        "X-API-KEY": stack.secrets["api_key"],
        "Content-Type": request.content_type,
        "Idempotency-Key": uuid.uuid4().hex,  # a request that is tried again is taken once
    }
    for _ in range(10):
        answer = urllib3.request(
            "POST",
            f"{stack.web}/webhook/{request.source}".rstrip("/"),
            body=request.body,
            headers=headers,
            timeout=30,
            retries=urllib3.Retry(3, backoff_factor=0.5, allowed_methods=None),
        )
        if answer.status != 503:  # noqa: PLR2004 - the webhook's "later"
            break
        time.sleep(float(answer.headers.get("Retry-After", 1)))
    if answer.status not in (202, 400):
        raise RuntimeError(f"the webhook answered {answer.status}: {answer.data.decode()}")


def _settle(stack: Stack, report: Any) -> dict[str, Any]:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        ledger = _ledger(stack)
        report(ledger)
        _tell(stack)
        if not ledger["pending"] or time.monotonic() > deadline:
            return ledger
        time.sleep(0.3)


def _ledger(stack: Stack) -> dict[str, Any]:
    headers = {"X-API-KEY": stack.secrets["api_key"]}
    answer = urllib3.request("GET", f"{stack.web}/api/v1/ledger", headers=headers, timeout=30, retries=3)
    ledger: dict[str, Any] = answer.json()
    return ledger


def _table(ledger: dict[str, Any], before: dict[str, Any]) -> None:
    table = Table()
    table.add_column("outcome")
    table.add_column("events", justify="right")
    again = bool(before["accepted"])
    if again:
        table.add_column("since the first start", justify="right")
    table.add_column("meaning")
    for name, meaning in _MEANING.items():
        total = [f"{ledger[name]:,}"] if again else []
        table.add_row(name, f"{ledger[name] - before[name]:,}", *total, meaning)
    console.print(table)
    verdict = "[green]balanced[/]" if ledger["balanced"] else "[red]NOT balanced[/]"
    console.print(f"The ledger (accepted = the sum of all that follow, without rejected) is {verdict}.")


def _addresses(stack: Stack, *, first: bool) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, address in (
        ("admin", f"{stack.web}/admin/"),
        ("API", f"{stack.web}/api/v1/"),
        ("webhook", f"{stack.web}/webhook"),
        ("metrics", f"{stack.web}/metrics"),
        ("Flower", f"http://127.0.0.1:{stack.ports.flower}"),
        ("stub Moogsoft", f"{stack.stub}/stats"),
    ):
        table.add_row(name, address)
    console.print()
    console.print(table)
    if first:
        console.print(f"\nadmin's password: [bold]{stack.secrets['admin']}[/] (Flower takes it too)")
        console.print(f"API key: [bold]{stack.secrets['api_key']}[/]")
        console.print("[dim]Shown this once; afterwards in var/run.json and var/secrets.json, for you alone.[/]")
    else:
        console.print("\n[dim]Password and API key are those of the first start: see var/run.json.[/]")


def _watch(stack: Stack) -> None:
    """Say what happens, until somebody stops supervisord."""
    while stack.supervisor.alive:
        _tell(stack)
        time.sleep(0.5)
    console.print("stopped by somebody else")


def _tell(stack: Stack) -> None:
    """Say what died and what was started again."""
    with contextlib.suppress(OSError, Fault):  # it is being stopped; the caller will notice
        _tell_news(stack.news())


def _tell_news(changes: list[News]) -> None:
    for news in changes:
        console.print(f"[yellow]{datetime.now(UTC):%H:%M:%S} {news.name}[/] {news}")


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
