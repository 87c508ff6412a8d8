"""Each command that the docs show is run by a test or a drill: by which one is said here, and nothing is forgotten.

Those of docs/deployment.md are the exception: where they need a container engine, a cluster or a running systemd, which
are not here, they are taken apart, and what they name must be there. tests/unit/ops/test_deployment_docs.py says which.
"""

import re
from pathlib import Path

import pytest

from ops.local.stack import ROOT
from tests.pages_of_docs import PAGES, SHELLS, blocks, commands, lines_of

LANGUAGES = SHELLS | {"text", "ini", "json", "yaml", "toml", "sql", "redis"}
_OURS = r"(?:\.venv/bin/)?muttctl |\.venv/bin/python manage\.py "
_OPERATORS = "tests/e2e/test_pages_of_docs.py"
_DOCS = "tests/e2e/test_docs.py"
_WHOLE = "tests/e2e/test_full_pipeline.py"
# The page, or the folder with those; which of its commands; who runs them, and what stands there of the page.
RUNNERS = [
    ("README.md", r"make demo$", _WHOLE, '"demo", "--once"'),
    ("README.md", r"make test$", ".ci/run", "make test"),
    ("README.md", _OURS, _DOCS, "README.md"),
    *(
        (f"docs/{name}.md", _OURS, _DOCS, f'"{name}.md"')
        for name in (
            "alerts",
            "changes",
            "health",
            "muttctl",
            "reliability",
            "retention",
            "rules",
            "searching",
            "slo",
            "why",
        )
    ),
    ("docs/muttctl.md", r"source <", "tests/e2e/test_muttctl_examples.py", "examples_of"),
    ("docs/why.md", r"curl |export MUTT_URL=", _DOCS, "BY_CURL"),
    ("docs/logging.md", r"grep |jq ", _DOCS, '"logging.md"'),
    ("docs/senders.md", r"\.venv/bin/python manage\.py create_key ", _DOCS, '"senders.md"'),
    ("docs/senders.md", r"install |/usr/local/lib/mutt/mutt_relay\.py ", _DOCS, "ON_A_LOG_HOST"),
    ("docs/secrets.md", r"bao |echo 'path ", "tests/integration/test_vault_renewal.py", '"secrets.md"'),
    ("docs/rotation.md", r".+ seal_again$", "tests/unit/mutt_project/test_seal_again.py", 'call_command("seal_again"'),
    ("docs/retention.md", r"zgrep ", _OPERATORS, '"retention.md"'),
    *(
        (f"docs/{name}.md", _OURS, _OPERATORS, f'"{name}.md"')
        for name in ("concepts", "login", "operating", "upgrading")
    ),
    ("docs/runbooks", rf"{_OURS}|curl ", _OPERATORS, '"runbooks"'),
    ("docs/quick-start.md", r"make (run|stop)$", _WHOLE, '"stop"'),
    ("docs/quick-start.md", rf"{_OURS}|curl |export ", _OPERATORS, '"quick-start.md"'),
    (
        "docs/muttctl.md",
        r"source <\(muttctl completion",
        "tests/unit/mutt_project/muttctl/test_completion.py",
        "completion",
    ),
    # Run, or taken apart only: TAKEN_APART there.
    ("docs/deployment.md", r".", "tests/unit/ops/test_deployment_docs.py", "TAKEN_APART"),
    ("docs/disaster-recovery.md", r".", "ops/drills/page.py", '"disaster-recovery.md"'),
    ("docs/performance.md", r"make bench( LONG=1)?$", "tests/e2e/test_bench.py", '"ops.bench"'),
    ("docs/settings.md", r"muttctl config ", "tests/integration/test_settings_at_run_time.py", '"settings.md"'),
    ("docs/reference/cli.md", r"", "tests/e2e/test_muttctl_examples.py", "examples_of"),
]


def runners(page: Path, command: str) -> list[str]:
    name = page.relative_to(ROOT).as_posix()
    return [
        runner
        for of, pattern, runner, _ in RUNNERS
        if (name == of or name.startswith(f"{of}/")) and re.match(pattern, command)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_of_each_command_of_a_page_it_is_said_who_runs_it(page: Path):
    assert [command for command in commands(page) if not runners(page, command)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_says_of_each_block_what_it_is_in(page: Path):
    """So that no command hides in a block that is nothing."""
    assert [text for language, text in blocks(page) if language not in LANGUAGES] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_command_hides_in_a_text(page: Path):
    texts = [text for language, text in blocks(page) if language == "text"]
    lines = [line for text in texts for line in lines_of(text) if re.match(_OURS, line)]
    assert [line for line in lines if "reference/" not in page.as_posix() and "…" not in line] == []


def test_nothing_is_said_twice():
    assert len(set(RUNNERS)) == len(RUNNERS)


@pytest.mark.parametrize(("page", "pattern", "runner", "words"), RUNNERS)
def test_who_is_said_to_run_commands_does_and_has_some_to_run(page: str, pattern: str, runner: str, words: str):
    assert words in (ROOT / runner).read_text(encoding="utf-8")
    asked = [path for path in PAGES if path.relative_to(ROOT).as_posix().startswith(page)]
    assert [command for path in asked for command in commands(path) if re.match(pattern, command)] != []
