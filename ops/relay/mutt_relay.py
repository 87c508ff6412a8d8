#!/usr/bin/env python3
"""Carries log lines and SNMP traps to MUTT's webhook, each once, through a spool on disk.

One file, and only Python's standard library (3.9 or newer): it runs on log hosts where MUTT is not installed.

What is spooled becomes batches. A batch is one POST, and its name is that request's Idempotency-Key: however often it
is sent again, after whatever accident, MUTT takes it once.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import ipaddress
import json
import os
import random
import re
import signal
import ssl
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO, Callable, Iterable
from urllib.parse import urlsplit

EXIT_OK, EXIT_USAGE, EXIT_LOCKED = 0, 2, 75
EXAMPLES = """
examples:
  mutt_relay.py omprog --url https://mutt.example.net --key-file /etc/mutt/relay.key --spool /var/spool/mutt/rsyslog
  mutt_relay.py traps  --url https://mutt.example.net --key-file /etc/mutt/relay.key --spool /var/spool/mutt/traps
  mutt_relay.py status --spool /var/spool/mutt/rsyslog -o json

exit status:
  0   done: the input ended, or a signal to end came; what is spooled stays for the next start
  2   wrong usage
  75  another relay uses this spool
"""
LOCK_PATIENCE_S = 5.0  # rsyslog starts a helper anew before the old one is quite gone
LONGEST_WAIT_S = 30.0
SHORTEST_WAIT_S = 0.5
SAY_EVERY_S = 60.0
CONNECT_AND_READ_S = 30.0
MOST_ANSWER_BYTES = 16 << 20  # of a receipt for 500 events there are some 50 kB


class SpoolFull(OSError):
    """The spool holds as much as it may."""


class Refused(Exception):
    """The webhook does not take a batch, and never will as it is."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"HTTP {status}: {reason}")
        self.status = status


class Unavailable(Exception):
    """The webhook did not take a batch this time. `wait_s`: how long it asks to be left alone."""

    def __init__(self, why: str, wait_s: float | None = None) -> None:
        super().__init__(why)
        self.wait_s = wait_s


class Log:
    """Lines on stderr; of each kind one a minute, with how many were left out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def say(self, kind: str, text: str, *, always: bool = False) -> None:
        with self._lock:
            now = self._clock()
            if not always and now - self._last.get(kind, -SAY_EVERY_S) < SAY_EVERY_S:
                self._left_out[kind] = self._left_out.get(kind, 0) + 1
                return
            self._last[kind] = now
            more = self._left_out.pop(kind, 0)
        suffix = f" (and {more} times before)" if more else ""
        with contextlib.suppress(OSError, ValueError):
            print(f"mutt-relay: {text}{suffix}", file=sys.stderr, flush=True)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Limits:
    """Of a batch, and of the whole spool."""

    lines: int = 500
    bytes: int = 1_000_000
    age_s: float = 0.5
    spool_bytes: int = 1 << 30


class Spool:
    """A folder: `open.part` is being written, each `*.batch` is one POST to be made, the oldest first."""

    def __init__(self, folder: Path, limits: Limits, *, sync: bool = True) -> None:
        self.folder = folder
        self.limits = limits
        self._sync = sync
        self._lock = threading.RLock()
        self._part: BinaryIO | None = None
        self._part_lines = self._part_bytes = 0
        self._part_since = 0.0
        self._sealed_bytes = 0
        self._lock_file: BinaryIO | None = None
        self.last_line = ""

    @property
    def part(self) -> Path:
        return self.folder / "open.part"

    def take(self, patience_s: float = LOCK_PATIENCE_S) -> bool:
        """Make the spool ours; False if another relay keeps it. Then mend what a kill has left."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_file = (self.folder / "lock").open("ab")
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    self._lock_file.close()
                    return False
                time.sleep(0.1)
        self._mend()
        return True

    def release(self) -> None:
        """Seal what is open and let go."""
        self.seal()
        if self._lock_file:
            self._lock_file.close()

    def _mend(self) -> None:
        """A last line without its end was never confirmed: it is cut off, for it will come again."""
        for path in self.folder.glob("*.new"):
            path.unlink()
        self._sealed_bytes = sum(path.stat().st_size for path in self.batches())
        with contextlib.suppress(FileNotFoundError):
            self.last_line = (self.folder / "last").read_text()
        if not self.part.exists():
            return
        content = self.part.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(self.part, len(whole))
        if whole:
            self.last_line = digest_of(whole[:-1].rpartition(b"\n")[2] + b"\n")
            self._seal_part()
        else:
            self.part.unlink()

    def add(self, line: bytes) -> None:
        """Append one line, durably. Raises OSError, and then the line is not there."""
        with self._lock:
            if self._sealed_bytes + self._part_bytes + len(line) > self.limits.spool_bytes:
                raise SpoolFull("the spool is full")
            part = self._opened()
            try:
                part.write(line)
                part.flush()
                if self._sync:
                    os.fdatasync(part.fileno())
            except OSError:
                self._forget_tail()
                raise
            self._part_lines += 1
            self._part_bytes += len(line)
            self.last_line = digest_of(line)
            if self._part_lines >= self.limits.lines or self._part_bytes >= self.limits.bytes:
                self.seal()

    def _opened(self) -> BinaryIO:
        if self._part is None:
            self._part = self.part.open("ab", buffering=0)
            self._part_since = time.monotonic()
            if self._sync:
                sync_folder(self.folder)
        assert self._part is not None  # noqa: S101 - for the type checker  # nosec B101
        return self._part

    def _forget_tail(self) -> None:
        """Cut off what half a write may have left."""
        with contextlib.suppress(OSError):
            os.truncate(self.part, self._part_bytes)

    def seal_if_old(self) -> None:
        with self._lock:
            if self._part_lines and time.monotonic() - self._part_since >= self.limits.age_s:
                self.seal()

    def seal(self) -> None:
        """Make a batch of what is open."""
        with self._lock:
            if self._part is not None:
                self._part.close()
                self._part = None
            if self._part_lines:
                self._seal_part()
            self._part_lines = self._part_bytes = 0

    def _seal_part(self) -> None:
        # The batch may be gone before the helper is killed: what its last line was must be known longer.
        self._write("last", self.last_line.encode())
        size = self.part.stat().st_size
        self.part.rename(self.folder / new_name())
        self._sealed_bytes += size
        if self._sync:
            sync_folder(self.folder)

    def _write(self, name: str, content: bytes) -> None:
        """Write a file as a whole or not at all."""
        draft = self.folder / f"{name}.new"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            if self._sync:
                os.fsync(file.fileno())
        draft.rename(self.folder / name)

    def put(self, name: str, content: bytes) -> None:
        """A batch of this name, made elsewhere. Raises OSError."""
        with self._lock:
            self._write(name, content)
            self._sealed_bytes += len(content)

    def batches(self) -> list[Path]:
        """The sealed ones, the oldest first."""
        return sorted(self.folder.glob("*.batch"))

    def done(self, batch: Path) -> None:
        """The webhook has taken it."""
        with self._lock:
            size = batch.stat().st_size
            batch.unlink()
            self._sealed_bytes -= size

    def rename(self, batch: Path) -> None:
        """Let a batch be another request."""
        batch.rename(self.folder / new_name())

    def set_aside(self, batch: Path) -> Path:
        """Keep a batch that the webhook will never take where it is in nobody's way."""
        aside = self.folder / "aside"
        aside.mkdir(mode=0o700, exist_ok=True)
        with self._lock:
            self._sealed_bytes -= batch.stat().st_size
            return batch.rename(aside / batch.name)

    def split(self, batch: Path) -> None:
        """Two halves instead of a batch that is refused as a whole; their names follow from its own."""
        lines = [line + b"\n" for line in batch.read_bytes().removesuffix(b"\n").split(b"\n")]
        middle = len(lines) // 2
        for number, half in enumerate((lines[:middle], lines[middle:])):
            self.put(f"{batch.name.removesuffix('.batch')}.{number}.batch", b"".join(half))
        self.done(batch)


def new_name() -> str:
    """Names sort by the time at which they were made."""
    return f"{time.time_ns():020d}-{uuid.uuid4().hex}.batch"


def digest_of(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def tls_context(ca_file: str | None, cert_file: str | None, key_file: str | None) -> ssl.SSLContext:
    """For connections to MUTT, which must be trusted; with a certificate of our own if there is one. Raises OSError."""
    context = ssl.create_default_context(cafile=ca_file)
    if cert_file:
        context.load_cert_chain(cert_file, key_file, password="")  # or OpenSSL would ask on the terminal
    return context


@dataclass
class Webhook:
    """Where batches go. The key is in no text of ours."""

    url: str
    source: str
    key: str = field(repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def post(self, name: str, body: bytes) -> dict[str, Any]:
        """The webhook's receipt for a batch. Raises Refused, Unavailable."""
        parts = urlsplit(self.url)
        headers = {
            "X-API-KEY": self.key,
            "Content-Type": "application/x-ndjson",
            "Idempotency-Key": name,
            "User-Agent": "mutt-relay",
        }
        try:
            connection = self._connected()
            connection.request("POST", f"{parts.path.rstrip('/')}/webhook/{self.source}", body, headers)
            response = connection.getresponse()
            content = response.read(MOST_ANSWER_BYTES)
            if not response.isclosed():
                self.close()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unavailable(f"no answer ({type(error).__name__}: {error})") from None
        if response.status == http.client.ACCEPTED:
            return _object(content)
        if http.client.MULTIPLE_CHOICES <= response.status < http.client.BAD_REQUEST:
            raise Refused(response.status, "a redirect, which is not followed: give the address that it leads to")
        reason = str(_object(content).get("detail", ""))[:300].replace(self.key, "***")
        if response.status in {429, 503} or response.status >= http.client.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"HTTP {response.status}: {reason}", _seconds(response.headers.get("Retry-After")))
        raise Refused(response.status, reason)

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            parts = urlsplit(self.url)
            if parts.scheme == "https":
                context = tls_context(self.ca_file, self.cert_file, self.key_file)
                self._connection = http.client.HTTPSConnection(
                    parts.hostname or "", parts.port, timeout=CONNECT_AND_READ_S, context=context
                )
            else:
                self._connection = http.client.HTTPConnection(
                    parts.hostname or "", parts.port, timeout=CONNECT_AND_READ_S
                )
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdigit() and len(text) < 6 else None  # noqa: PLR2004 - a day at most


class Sender:
    """Posts the batches of a spool, the oldest first, for as long as it takes."""

    def __init__(self, spool: Spool, webhook: Webhook, log: Log) -> None:
        self._spool = spool
        self._webhook = webhook
        self._log = log
        self._failures = 0
        self._not_before = 0.0

    def step(self) -> bool:
        """Try the oldest batch, if it is time; False if there was nothing to do."""
        if time.monotonic() < self._not_before:
            return False
        batch = next(iter(self._spool.batches()), None)
        if batch is None:
            return False
        try:
            receipt = self._webhook.post(batch.name, batch.read_bytes())
        except Unavailable as why:
            self._wait(why.wait_s)
            self._log.say("unavailable", f"the webhook takes nothing for now, all is kept: {why}")
        except Refused as refusal:
            self._refused(batch, refusal)
        except OSError as error:
            self._wait(None)
            self._log.say("disk", f"{batch.name} cannot be read: {error}")
        else:
            self._spool.done(batch)
            self._told(receipt)
        return True

    def _told(self, receipt: dict[str, Any]) -> None:
        if self._failures:
            self._log.say("back", "the webhook takes batches again", always=True)
        self._failures = 0
        rejected = receipt.get("rejected")
        if rejected:
            self._log.say("rejected", f"MUTT refused {rejected} events of a batch: see its quarantine")

    def _refused(self, batch: Path, refusal: Refused) -> None:
        """What to do depends on whose fault it is: the batch's, or the configuration's."""
        if refusal.status in {400, 413}:
            if batch.read_bytes().count(b"\n") > 1:
                self._spool.split(batch)
            elif refusal.status == http.client.BAD_REQUEST:
                self._spool.done(batch)
                self._log.say("rejected", f"MUTT refused an event, see its quarantine: {refusal}")
            else:
                place = self._spool.set_aside(batch)
                self._log.say("aside", f"an event is too large for MUTT, it is in {place}: {refusal}", always=True)
        elif refusal.status == http.client.CONFLICT:
            self._spool.rename(batch)
        else:
            self._wait(LONGEST_WAIT_S)
            self._log.say("refused", f"MUTT refuses this relay, all is kept; mend the URL or the key: {refusal}")

    def _wait(self, asked_s: float | None) -> None:
        self._failures += 1
        doubled = min(SHORTEST_WAIT_S * 2 ** min(self._failures - 1, 10), LONGEST_WAIT_S)
        wait_s = doubled if asked_s is None else min(max(asked_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)
        self._not_before = time.monotonic() + wait_s * random.uniform(0.75, 1.25)  # noqa: S311 - jitter  # nosec B311


def omprog(spool: Spool, sender: Sender, log: Log, lines: BinaryIO, answers: BinaryIO) -> int:
    """Be rsyslog's helper: a line in, on disk, `OK` out (plugins/external/INTERFACE.md of rsyslog)."""
    ending = threading.Event()
    background = threading.Thread(target=_send_on, args=(spool, sender, log, ending), daemon=True)
    background.start()
    resent = spool.last_line  # rsyslog sends again what was not confirmed when we were killed
    _answer(answers, b"OK\n")
    try:
        for line in iter(lines.readline, b""):
            whole = line if line.endswith(b"\n") else line + b"\n"
            try:
                if digest_of(whole) != resent:
                    spool.add(whole)
            except OSError as error:
                log.say("spool", f"a line cannot be spooled, rsyslog keeps it: {error}")
                _answer(answers, f"not spooled: {error.strerror or error}\n".encode())
                continue
            resent = ""
            _answer(answers, b"OK\n")
    except BrokenPipeError:
        pass  # rsyslog is gone
    finally:
        ending.set()
        background.join(timeout=5)
        spool.release()
    return EXIT_OK


def _answer(answers: BinaryIO, text: bytes) -> None:
    answers.write(text)
    answers.flush()


def _send_on(spool: Spool, sender: Sender, log: Log, ending: threading.Event) -> None:
    while not ending.is_set():
        try:
            spool.seal_if_old()
            busy = sender.step()
        except Exception as error:  # noqa: BLE001 - the thread must live as long as rsyslog does
            log.say("bug", f"{type(error).__name__}: {error}")
            busy = False
        if not busy:
            ending.wait(0.05)


# snmpTrapCommunity.0, by number or by name: the handler hides it already, but others may write spool files, too.
_COMMUNITY = re.compile(
    r"^((?:\.?(?:1|iso)\.3\.6\.1\.6\.3\.18\.1\.4|SNMP-COMMUNITY-MIB::snmpTrapCommunity)\.0)[ \t=].*$", re.MULTILINE
)


class Traps:
    """The files that the handler writes, one a trap, become batches."""

    def __init__(self, spool: Spool, log: Log) -> None:
        self._spool = spool
        self._log = log
        self.incoming = spool.folder / "incoming"

    def prepare(self) -> None:
        """Finish what a kill interrupted: the list of a batch that exists says which files are in it."""
        self.incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        for names in self._spool.folder.glob("*.names"):
            if names.with_suffix(".batch").exists():
                self._remove(json.loads(names.read_bytes()))
            names.unlink()

    def gather(self) -> bool:
        """Make one batch of the oldest files; False if there are none."""
        files = sorted(self.incoming.glob("*.trap"))[: self._spool.limits.lines]
        lines: list[bytes] = []
        taken: list[str] = []
        for file in files:
            line = self._line(file)
            if taken and sum(map(len, lines)) + len(line) > self._spool.limits.bytes:
                break
            lines.append(line)
            taken.append(file.name)
        if not taken:
            return False
        name = new_name()
        names = (self._spool.folder / name).with_suffix(".names")
        names.write_bytes(json.dumps(taken).encode())
        sync_folder(self._spool.folder)
        self._spool.put(name, b"".join(lines))
        sync_folder(self._spool.folder)
        self._remove(taken)
        names.unlink()
        return True

    def _line(self, file: Path) -> bytes:
        text = _COMMUNITY.sub(r'\1 "***"', file.read_bytes().decode("utf-8", "replace"))
        received_at = datetime.fromtimestamp(file.stat().st_mtime, timezone.utc).isoformat()
        return json.dumps({"traphandle": text, "received_at": received_at}).encode() + b"\n"

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                (self.incoming / name).unlink()


def forward_traps(spool: Spool, sender: Sender, log: Log, ending: threading.Event, poll_s: float = 0.2) -> int:
    """Send what the handler has spooled, until told to end."""
    traps = Traps(spool, log)
    traps.prepare()
    while not ending.is_set():
        try:
            # Some batches ahead suffice: the rest waits as files.
            gathered = len(spool.batches()) < 10 and traps.gather()  # noqa: PLR2004 - some
            busy = sender.step() or gathered
        except OSError as error:
            log.say("disk", f"the spool cannot be used: {error}")
            busy = False
        if not busy:
            ending.wait(poll_s)
    spool.release()
    return EXIT_OK


def status_of(folder: Path) -> dict[str, Any]:
    """What waits in a spool."""
    waiting = [*folder.glob("*.batch"), *folder.glob("open.part"), *folder.glob("incoming/*.trap")]
    found = [path.stat() for path in waiting]
    oldest = min((entry.st_mtime for entry in found), default=None)
    return {
        "spool": str(folder),
        "batches": len(list(folder.glob("*.batch"))),
        "traps": len(list(folder.glob("incoming/*.trap"))),
        "bytes": sum(entry.st_size for entry in found),
        "oldest_age_s": None if oldest is None else round(max(time.time() - oldest, 0), 1),
        "aside": len(list(folder.glob("aside/*"))),
    }


def _print_status(folder: Path, form: str) -> int:
    status = status_of(folder)
    if form == "json":
        print(json.dumps(status))
    else:
        for name, value in status.items():
            print(f"{name + ':':14}{'-' if value is None else value}")
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mutt_relay.py",
        description="Carry log lines and SNMP traps to MUTT's webhook, each once.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, says in (
        ("omprog", "rsyslog's helper (omprog, confirmMessages on): lines come in on standard input"),
        ("traps", "send the traps that ops/snmptrapd/mutt-traphandle has spooled"),
    ):
        command = commands.add_parser(name, help=says, description=says)
        command.add_argument("--spool", type=Path, required=True, help="the folder of this relay alone")
        command.add_argument("--url", default=os.environ.get("MUTT_URL"), help="of MUTT; else MUTT_URL")
        command.add_argument("--key-file", type=Path, help="a file with the API key; else MUTT_API_KEY")
        command.add_argument("--ca-file", help="the certificate authority of MUTT's server, if it is your own")
        command.add_argument(
            "--client-cert-file",
            default=os.environ.get("MUTT_CLIENT_CERT_FILE"),
            help="the certificate to show to MUTT's server; else MUTT_CLIENT_CERT_FILE",
        )
        command.add_argument(
            "--client-key-file",
            default=os.environ.get("MUTT_CLIENT_KEY_FILE"),
            help="its key, without a passphrase; else MUTT_CLIENT_KEY_FILE",
        )
        command.add_argument(
            "--allow-http", action="store_true", help="take an http:// address of another machine: the key can be read"
        )
        command.add_argument("--batch-lines", type=int, default=500, help="most events of one request (default 500)")
        command.add_argument("--max-bytes", type=int, default=1 << 30, help="most bytes of the spool (default 1 GiB)")
        command.add_argument(
            "--no-sync", action="store_true", help="do not wait for the disk; a power cut may lose lines"
        )
    status = commands.add_parser("status", help="what waits in a spool", description="What waits in a spool.")
    status.add_argument("--spool", type=Path, required=True)
    status.add_argument("-o", "--output", choices=["table", "json"], default="table")
    return parser


def _key(arguments: argparse.Namespace) -> str:
    if arguments.key_file is None:
        return os.environ.get("MUTT_API_KEY", "").strip()
    return str(arguments.key_file.read_text(encoding="ascii", errors="replace").strip())


def _usable(url: str | None) -> bool:
    try:
        parts = urlsplit(url or "")
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and "@" not in parts.netloc and not parts.query and not parts.fragment


def _is_private(url: str) -> bool:
    """Whether nobody in between can read the key."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" or host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def _check_files(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    """Leave with the name of the file for TLS that is of no use."""
    if arguments.client_key_file and not arguments.client_cert_file:
        parser.error("--client-key-file is of no use without --client-cert-file")
    try:
        tls_context(arguments.ca_file, None, None)
    except OSError as error:
        parser.error(f"the file of --ca-file is of no use: {error}")
    try:
        tls_context(None, arguments.client_cert_file, arguments.client_key_file)
    except OSError as error:
        parser.error(
            f"the files of --client-cert-file and --client-key-file are of no use (PEM, no passphrase): {error}"
        )


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "status":
        return _print_status(arguments.spool, arguments.output)
    try:
        key = _key(arguments)
    except OSError as error:
        parser.error(f"the key file cannot be read: {error.strerror}")
    if not _usable(arguments.url):
        parser.error("the URL must be like https://mutt.example.net: give --url, or set MUTT_URL")
    if not _is_private(arguments.url) and not arguments.allow_http:
        parser.error("the URL begins with http://, so the API key could be read: use https://, or give --allow-http")
    if not key or not key.isascii() or not key.isprintable():
        parser.error("there is no usable API key: give --key-file, or set MUTT_API_KEY")
    _check_files(parser, arguments)
    log = Log()
    limits = Limits(lines=max(arguments.batch_lines, 1), spool_bytes=arguments.max_bytes)
    spool = Spool(arguments.spool, limits, sync=not arguments.no_sync)
    if not spool.take():
        log.say("locked", f"another relay uses {arguments.spool}: give each its own", always=True)
        return EXIT_LOCKED
    source = "syslog" if arguments.command == "omprog" else "snmptrap"
    files = (arguments.ca_file, arguments.client_cert_file, arguments.client_key_file)
    webhook = Webhook(arguments.url, source, key, *files)
    sender = Sender(spool, webhook, log)
    if arguments.command == "omprog":
        signal.signal(signal.SIGTERM, _leave)
        with contextlib.suppress(KeyboardInterrupt):
            return omprog(spool, sender, log, sys.stdin.buffer, sys.stdout.buffer)
        return EXIT_OK
    ending = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    return forward_traps(spool, sender, log, ending)


def _leave(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
