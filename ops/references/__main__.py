"""`python -m ops.references` writes docs/reference/ anew; with --check it only says what is out of date."""

import difflib
import sys
from pathlib import Path

import yaml

from mutt_project.muttctl.main import cli
from ops.references.api import api_page
from ops.references.cli import cli_page

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"


def pages() -> dict[Path, str]:
    document = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
    return {FOLDER / "api.md": api_page(document), FOLDER / "cli.md": cli_page(cli, "muttctl")}


def main(*, only_check: bool) -> int:
    """The exit status: 1 where a page is not what the code says."""
    status = 0
    for path, text in pages().items():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if not only_check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif present != text:
            status = 1
            name = str(path.relative_to(ROOT))
            sys.stdout.writelines(
                difflib.unified_diff(present.splitlines(True), text.splitlines(True), name, f"{name} as it should be")  # noqa: FBT003 - splitlines takes it by place only
            )
            print(f"{name} is out of date: make format")
    return status


if __name__ == "__main__":
    sys.exit(main(only_check="--check" in sys.argv[1:]))
