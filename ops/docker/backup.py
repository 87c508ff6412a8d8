"""The role `backup`: one backup, looked at as it lies there; old ones go (docs/disaster-recovery.md#backups)."""

import argparse
import os
import subprocess
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int | str:
    """The exit status of the first step that failed, or what is wrong."""
    parser = argparse.ArgumentParser(prog="backup", description="Make a backup, verify it, and delete old ones.")
    parser.add_argument("folder", type=Path, help="the folder with the backups")
    parser.add_argument("--key-file", type=Path, required=True, help="a file with an API key of the scope read")
    parser.add_argument("--keep", type=int, default=14, help="how many of the newest stay (default: 14)")
    options = parser.parse_args(arguments)
    try:
        key = options.key_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        return f"The API key cannot be read from {options.key_file}: {why}."
    steps = [
        ["backup", "--to", str(options.folder)],
        ["verify", str(options.folder / "latest")],
        ["prune", str(options.folder), "--keep", str(options.keep), "--yes"],
    ]
    for words in steps:
        command = [sys.executable, "-m", "mutt_project.muttctl", "dr", *words]
        done = subprocess.run(command, env={**os.environ, "MUTT_API_KEY": key}, check=False)  # nosec B603 # no shell; words of the operator's own
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
