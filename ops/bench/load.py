"""The load: wrk where it is installed, else our own sender, which also is the one that keeps to a rate."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib.resources import files

from ops.bench.mix import Corpus

CONNECTIONS = 32
_LONGEST = "1h"


@dataclass(frozen=True, slots=True)
class Sent:
    """What the sender saw: answers (`refused` of them were no 202), times in Unix seconds, latencies in ms."""

    begin: float
    end: float
    requests: int
    refused: int
    broken: int
    p50: float
    p95: float
    p99: float
    cpu_s: float = 0.0

    @property
    def accepted(self) -> int:
        return self.requests - self.refused


class LoadError(RuntimeError):
    """The sender did not do its work; the message says why."""


def generator() -> str:
    """What sends as fast as it can."""
    return "wrk" if shutil.which("wrk") else "the bundled sender (wrk is not installed)"


def send(corpus: Corpus, port: int, key: str, rate: float | None = None) -> Sent:
    """POST each body once, at so many requests a second or as fast as they are answered. Raises LoadError."""
    before = _children_s()
    told = _by_wrk(corpus, port, key) if rate is None and shutil.which("wrk") else _by_sender(corpus, port, key, rate)
    return replace(told, cpu_s=_children_s() - before)


def _by_wrk(corpus: Corpus, port: int, key: str) -> Sent:
    connections = min(CONNECTIONS, corpus.bodies)
    script = str(files("ops.bench").joinpath("wrk.lua"))
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", _LONGEST, "--timeout", "60s"]
    environment = {
        "PATH": os.environ["PATH"],
        "MUTT_API_KEY": key,
        "BENCH_CORPUS": str(corpus.path),
        "BENCH_CONNECTIONS": str(connections),
    }
    with subprocess.Popen(  # nosec B603 # no input of a user is in it
        [*command, "--script", script, f"http://127.0.0.1:{port}/webhook"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith("sent "):
                process.send_signal(signal.SIGINT)  # all is answered; it would sleep for the rest of its hour
    return read_wrk(lines)


def read_wrk(lines: list[str]) -> Sent:
    """What our script had wrk print. Raises LoadError."""
    told = {words[0]: float(words[1]) for line in lines if len(words := line.split()) == 2 and _is_number(words[1])}  # noqa: PLR2004 - a name and a number
    try:
        return Sent(
            begin=told["begin"],
            end=told["end"],
            requests=int(told["requests"]),
            refused=int(told["refused"]),
            broken=int(max(told["broken"], told["sent"] - told["requests"])),
            p50=told["p50"],
            p95=told["p95"],
            p99=told["p99"],
        )
    except KeyError as missing:
        raise LoadError(f"wrk did not say {missing}; it said: {''.join(lines)[-500:]}") from missing


def _by_sender(corpus: Corpus, port: int, key: str, rate: float | None) -> Sent:
    command = [sys.executable, "-m", "ops.bench.sender", "--port", str(port), "--corpus", str(corpus.path)]
    paced = [] if rate is None else ["--rate", str(rate)]
    done = subprocess.run(  # nosec B603 # no input of a user is in it
        [*command, "--connections", str(CONNECTIONS), *paced],
        env={**os.environ, "MUTT_API_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LoadError(f"the sender ended with {done.returncode}: {done.stderr[-500:]}")
    return Sent(**json.loads(done.stdout))


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()
