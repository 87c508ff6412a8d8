"""`python -m ops.drills NAME…|all`: break a sandbox, mend it by docs/disaster-recovery.md, say what was lost."""

import json
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pkgutil import iter_modules

import click
from rich.console import Console
from rich.table import Table

import ops.drills
from ops.drills.page import PAGE, Page, WrongPage
from ops.drills.report import Figures, as_markdown, table_of
from ops.drills.scenario import Scenario, Skipped
from ops.drills.steps import StepFailed
from ops.drills.traffic import Refused
from ops.local.stack import NotStarted

_SKIPPED = 3
_console = Console(stderr=True, highlight=False)


def scenarios() -> dict[str, type[Scenario]]:
    """All drills by name: each is a module of this package with a class of its own."""
    for module in iter_modules(ops.drills.__path__):
        if not module.name.startswith("__"):
            import_module(f"ops.drills.{module.name}")
    return {one.name: one for one in sorted(_below(Scenario), key=lambda one: one.name)}


def _below(kind: type[Scenario]) -> list[type[Scenario]]:
    return [found for one in kind.__subclasses__() for found in (one, *_below(one))]


@dataclass
class _Done:
    """What came of the drills."""

    figures: list[Figures] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    trace: bool = False

    def add(self, name: str, run: Callable[[], Figures]) -> None:
        try:
            self.figures.append(run())
        except Skipped as why:
            _console.print(f"{name} is skipped: {why}", style="yellow", markup=False)
            self.skipped[name] = str(why)
        except (StepFailed, TimeoutError, NotStarted, Refused, WrongPage) as error:
            _console.print(f"{name}: {error}", style="red", markup=False)
            self.failed.append(name)
        except Exception as error:  # noqa: BLE001 - the other drills go on, and what they measured is shown
            first = str(error).strip().partition("\n")[0]
            hint = "" if self.trace else " (where: run it with --keep)"
            _console.print(f"{name}: {type(error).__name__}: {first}{hint}", style="red", markup=False)
            if self.trace:
                _console.print(traceback.format_exc(), markup=False)
            self.failed.append(name)

    def show(self, form: str) -> None:
        if form == "json":
            drills = [one.as_json() for one in self.figures]
            click.echo(json.dumps({"drills": drills, "failed": self.failed, "skipped": self.skipped}, indent=2))
        else:
            Console(width=80, highlight=False).print(table_of(self.figures))
        for one in self.figures:
            for wrong in one.wrong:
                _console.print(f"{one.name}: {wrong}", style="red", markup=False)

    @property
    def exit_status(self) -> int:
        if self.failed or not all(one.passed for one in self.figures):
            return 1
        return _SKIPPED if self.skipped else 0


@click.command()
@click.argument("names", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Say which drills there are.")
@click.option("-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@click.option("--write-page", is_flag=True, help="Write the figures into docs/disaster-recovery.md.")
@click.option("--keep", is_flag=True, help="Keep the sandbox's folder, and show where an error came from.")
def main(names: tuple[str, ...], form: str, *, only_list: bool, write_page: bool, keep: bool) -> None:
    """Run drills, by name or `all`.

    The exit status is 0 where nothing is lost beyond what the page says, 1 where more is, or a step failed, and 3
    where nothing is wrong but this machine does not allow one of the drills.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the sandbox is taken away
    known = scenarios()
    if only_list or not names:
        _show(known, form)
        return
    wanted = list(known) if "all" in names else list(names)
    if unknown := [name for name in wanted if name not in known]:
        raise click.UsageError(f"There is no drill {unknown[0]}. There are: {', '.join(known)}, all.")
    done = _Done(trace=keep)
    for name in wanted:
        _console.rule(name)
        done.add(name, partial(_run, known[name], keep=keep))
    done.show(form)
    if write_page:
        for one in done.figures:
            if one.passed:
                PAGE.write_text(Page.read().with_figures(one.name, as_markdown(one)).text, encoding="utf-8")
    sys.exit(done.exit_status)


def _run(drill: type[Scenario], *, keep: bool) -> Figures:
    return drill(Page.read(), _say, keep=keep).run()


def _show(known: dict[str, type[Scenario]], form: str) -> None:
    if form == "json":
        rows = [{"name": one.name, "title": one.title, "about": one.in_one_line} for one in known.values()]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for one in known.values():
        table.add_row(one.name, one.in_one_line or one.title)
    Console(highlight=False).print(table)


def _say(text: str) -> None:
    _console.print(f"[dim]·[/] {text}" if "[" not in text else text, markup="[" not in text)


if __name__ == "__main__":
    main(prog_name="python -m ops.drills")
