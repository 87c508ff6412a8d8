"""The metrics of all processes of a machine, out of the files that they share in PROMETHEUS_MULTIPROC_DIR.

prometheus_client gives each process files of its own, by its pid, and leaves them when it ends. Here the counts of the
dead are added up in one file of each kind, so that neither a sum goes back nor the folder grows, however often
processes are replaced; and what they last said of a present that is over, is forgotten. A folder belongs to one machine
or container: pids of others mean nothing.
"""

import fcntl
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_FILE = re.compile(r"(counter|histogram|summary|gauge_[a-z]+)_(\d+)\.db")
_PLAN = "merging.json"


class ProcessesCollector(Collector):
    """What all processes, those that live and those that lived, have counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        with _held(self._folder):
            _tidy(self._folder)
            paths = [str(path) for path in self._folder.glob("*.db") if not _is_empty(path)]
            found: Iterable[Metric] = MultiProcessCollector.merge(paths)  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped
            return [_steady(metric) for metric in found]


def _steady(metric: Metric) -> Metric:
    """The order in which files are added up changes the last digit of a sum: going back by it looks like a restart."""
    metric.samples = [sample._replace(value=round(sample.value, 6)) for sample in metric.samples]
    return metric


def shared_folder() -> Path | None:
    """Where processes share their metrics; None where they do not."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def process_metrics() -> CollectorRegistry:
    """What the processes of this machine count; where they share no folder, this process alone."""
    folder = shared_folder()
    if folder is None:
        return REGISTRY
    registry = CollectorRegistry()
    registry.register(ProcessesCollector(folder))
    return registry


def tidy() -> None:
    """Add up what dead processes left, so that their files do not pile up where nobody asks for metrics."""
    folder = shared_folder()
    if folder is not None:
        with _held(folder):
            _tidy(folder)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Nobody else reads or merges meanwhile: what is half merged would be counted twice."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:  # a child that was forked meanwhile has the file open, too: closing it here would not do
            fcntl.flock(lock, fcntl.LOCK_UN)


def _tidy(folder: Path) -> None:
    _finish(folder)  # whoever was at it may have been killed
    left: dict[str, list[Path]] = {}
    for path in folder.glob("*.db"):
        named = _FILE.fullmatch(path.name)
        if named and not _lives(int(named[2])):
            left.setdefault(named[1], []).append(path)
    for kind, paths in left.items():
        if kind.startswith("gauge"):
            for path in paths:
                path.unlink()
        else:
            _merge(folder, kind, paths)


def _is_empty(path: Path) -> bool:
    """As it is at the start of a process for a moment, and for good if it is killed then."""
    return not path.stat().st_size


def _merge(folder: Path, kind: str, paths: list[Path]) -> None:
    """Write the new sum beside the old one, then what remains to be done, and do it: a kill in between is harmless."""
    total: Counter[str] = Counter()
    for path in [folder / f"{kind}_dead.db", *paths]:
        if path.exists() and not _is_empty(path):
            for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call] # as above
                total[key] += value
    draft = folder / f"{kind}_dead.new"
    draft.unlink(missing_ok=True)
    written = MmapedDict(str(draft))  # type: ignore[no-untyped-call] # as above
    for key, value in total.items():
        written.write_value(key, value, 0.0)  # type: ignore[no-untyped-call] # as above
    written.close()  # type: ignore[no-untyped-call] # as above
    plan = folder / f"{_PLAN}.new"
    plan.write_text(json.dumps({"kind": kind, "merged": [path.name for path in paths]}))
    plan.replace(folder / _PLAN)
    _finish(folder)


def _finish(folder: Path) -> None:
    plan = folder / _PLAN
    if not plan.exists():
        return
    try:
        planned = json.loads(plan.read_text())
    except ValueError:  # the machine went down before it was on the disk, and nothing of it was done
        plan.unlink()
        return
    draft = folder / f"{planned['kind']}_dead.new"
    if draft.exists():
        draft.replace(folder / f"{planned['kind']}_dead.db")
    for name in planned["merged"]:
        (folder / name).unlink(missing_ok=True)
    plan.unlink()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
