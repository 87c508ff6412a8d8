"""The command `muttctl`; every noun has its own module and is added here."""

import io
import sys

import click

from mutt_project import __version__
from mutt_project.muttctl.audit import audit
from mutt_project.muttctl.breaker import breaker
from mutt_project.muttctl.completing import complete_profiles
from mutt_project.muttctl.completion import completion
from mutt_project.muttctl.config import config
from mutt_project.muttctl.dlq import dlq
from mutt_project.muttctl.doctor import doctor
from mutt_project.muttctl.dr import dr
from mutt_project.muttctl.events import events
from mutt_project.muttctl.hosts import hosts
from mutt_project.muttctl.keys import keys
from mutt_project.muttctl.ledger import ledger
from mutt_project.muttctl.output import examples
from mutt_project.muttctl.profile import profile as profile_commands
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
        "muttctl breaker show",
        "muttctl keys list",
        "muttctl profile add prod --url https://mutt.example.com",
        "muttctl audit retain --dry-run",
        "muttctl config list --changed",
        "muttctl dr backup --to /srv/backup/mutt",
        "muttctl send /var/log/syslog",
    )
}

\b
Where MUTT is, and the key for it, come together from the first of:
  1. MUTT_URL, such as https://mutt.example.com, and MUTT_API_KEY
  2. the profile that --profile or MUTT_PROFILE names
  3. the current profile, see muttctl profile
  4. var/run.json of the current directory, which `make run` writes
  An API key is never taken from the command line.

\b
Beside MUTT_URL, and var/run.json:
  MUTT_CA_FILE           the certificate authority of MUTT's server, if
                         it is your own (PEM)
  MUTT_CLIENT_CERT_FILE  the certificate to show to MUTT, and its key
  MUTT_CLIENT_KEY_FILE   (PEM, without a passphrase)
  MUTT_ALLOW_HTTP        true: take an http:// address of another
                         machine, too
  A profile has its own of these.

\b
Exit status:
  0  done
  1  something failed or was refused: events rejected, ledger unbalanced,
     a wrong file, "no" to a question, `muttctl breaker show`: nothing
     is sent, `muttctl slo --check`: an error budget burns,
     `muttctl doctor`: a check failed, or MUTT does not answer
  2  wrong usage, or address and key missing, or a keyring or file that
     cannot be used; `muttctl rules plan`: something would change
  3  MUTT cannot be reached, or answered 5xx
  4  MUTT refused the request (4xx): not found, wrong API key
"""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="muttctl %(version)s")
@click.option(
    "--profile",
    metavar="NAME",
    shell_complete=complete_profiles,
    help="The MUTT of this profile; else that of MUTT_PROFILE, or the current one.",
)
def cli(profile: str | None) -> None:  # noqa: ARG001 - `connect` asks the context for it
    """Ask and feed a running MUTT over its REST API."""
    # Event texts come in all alphabets; a terminal that lacks one gets an escape instead of a crash.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


NOUNS = (
    *(audit, breaker, completion, config, dlq, doctor, dr, events, hosts, keys, ledger, profile_commands),
    *(quarantine, refusals, rules, send, slo, teams),
)
for command in NOUNS:
    cli.add_command(command)
