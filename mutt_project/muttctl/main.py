"""The command `muttctl`; every noun has its own module and is added here."""

import io
import sys

import click

from mutt_project.muttctl.audit import audit
from mutt_project.muttctl.breaker import breaker
from mutt_project.muttctl.dlq import dlq
from mutt_project.muttctl.doctor import doctor
from mutt_project.muttctl.dr import dr
from mutt_project.muttctl.events import events
from mutt_project.muttctl.hosts import hosts
from mutt_project.muttctl.ledger import ledger
from mutt_project.muttctl.output import examples
from mutt_project.muttctl.quarantine import quarantine
from mutt_project.muttctl.refusals import refusals
from mutt_project.muttctl.rules import rules
from mutt_project.muttctl.send import send
from mutt_project.muttctl.slo import slo
from mutt_project.muttctl.teams import teams

EPILOG = f"""{
    examples(
        "muttctl doctor",
        "muttctl ledger",
        "muttctl rules list --active",
        'muttctl rules test --message "Interface Gi0/1, changed state to down"',
        "muttctl rules export rules.yaml",
        'muttctl rules apply rules.yaml --reason "CHG-1234"',
        'muttctl hosts add dev-switch-01 --description "Lab device"',
        "muttctl teams import teams.csv --dry-run",
        "muttctl audit search --hostname core-router-01 --start-time -1h",
        "muttctl events why-not core-router-01",
        "muttctl quarantine summary",
        "muttctl refusals --since -1h",
        "muttctl slo",
        "muttctl dlq inspect --service alerter --limit 10",
        "muttctl breaker status",
        "muttctl audit retain --dry-run",
        "muttctl dr backup --to /srv/backup/mutt",
        "muttctl send /var/log/syslog",
    )
}

\b
Where MUTT is:
  MUTT_URL      its address, such as https://mutt.example.com
  MUTT_API_KEY  an API key; it is never taken from the command line
  Where neither is set, var/run.json of the current directory is used,
  which `make run` and `make demo` write.
  MUTT_CA_FILE     the certificate authority of MUTT's server, if it is
                   your own (PEM)
  MUTT_ALLOW_HTTP  true: take an http:// address of another machine, too

\b
Exit status:
  0  done
  1  something failed or was refused: events rejected, ledger unbalanced,
     a wrong file, "no" to a question, `muttctl breaker status`: nothing
     is sent, `muttctl slo --check`: an error budget burns,
     `muttctl doctor`: a check failed, or MUTT does not answer
  2  wrong usage, or MUTT_URL and MUTT_API_KEY missing;
     `muttctl rules plan`: something would change
  3  MUTT cannot be reached, or answered 5xx
  4  MUTT refused the request (4xx): not found, wrong API key
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Ask and feed a running MUTT over its REST API."""
    # Event texts come in all alphabets; a terminal that lacks one gets an escape instead of a crash.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


for command in (audit, breaker, dlq, doctor, dr, events, hosts, ledger, quarantine, refusals, rules, send, slo, teams):
    cli.add_command(command)
