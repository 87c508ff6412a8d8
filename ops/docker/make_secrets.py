#!/usr/bin/env python3
"""Makes the secrets that ops/compose.yaml hands to its containers, each in a file; what is there is left alone.

The folder is for its owner alone (0700). The files in it are not (0444): an engine mounts them with the owner that they
have here, and each container has another user.
"""

import argparse
import getpass
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_FOLDER = Path(__file__).resolve().parents[1] / "secrets"
_DAYS = 825  # the most that browsers take


def main(arguments: list[str] | None = None) -> str | None:
    """Returns what is wrong."""
    parser = argparse.ArgumentParser(description="Make the secrets that ops/compose.yaml needs, where there are none.")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where they go (default: ops/secrets)")
    parser.add_argument("--host", default="localhost", help="the name in the certificate, which is signed by itself")
    parser.add_argument("--moogsoft-key", choices=["ask", "stdin"], default="ask", help="where that key comes from")
    options = parser.parse_args(arguments)
    folder: Path = options.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        return f"{folder} can be reached by others: chmod 700 {folder}"
    redis = _kept(folder / "redis_password", _word)
    made: dict[str, Callable[[], str]] = {
        "redis_auth": lambda: f"requirepass {redis}\n",
        "mutt_secret_key": _word,
        "postgresql_password": _word,
        "grafana_password": _word,
        "admin_password": _word,
        "openbao_token": _word,
        "flower_basic_auth": lambda: f"admin:{_word()}",
        "api_key": lambda: f"mutt_{_word()}",
    }
    for name, make in made.items():
        _kept(folder / name, make)
    if not (folder / "moogsoft_api_key").exists():
        key = _moogsoft_key(options.moogsoft_key)
        if not key:
            return "Moogsoft's API key is missing: type it in when asked, or give it with --moogsoft-key stdin."
        _kept(folder / "moogsoft_api_key", lambda: key)
    return _certificate(folder, options.host)


def _word() -> str:
    return secrets.token_urlsafe(36)


def _kept(path: Path, make: Callable[[], str]) -> str:
    """What is in the file; made where there is none, and never half of it."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        draft.chmod(0o444)
        draft.replace(path)
        print(f"made {path}")
    return path.read_text().strip()


def _moogsoft_key(where: str) -> str:
    if where == "stdin":
        return sys.stdin.readline().strip()
    return getpass.getpass("Moogsoft's API key: ").strip() if sys.stdin.isatty() else ""


def _certificate(folder: Path, host: str) -> str | None:
    """A certificate of our own; put one that others trust in its place."""
    certificate, key = folder / "tls_certificate", folder / "tls_key"
    if certificate.exists() and key.exists():
        return None
    if certificate.exists() or key.exists():
        return f"Of {certificate} and {key} one is missing: put it there, or remove the other."
    openssl = shutil.which("openssl")
    if openssl is None:
        return f"There is no openssl here: put a certificate and its key into {certificate} and {key}."
    drafts = [folder / ".tls_key.new", folder / ".tls_certificate.new"]
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(_DAYS)]
    named = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host},DNS:localhost"]
    files = ["-keyout", str(drafts[0]), "-out", str(drafts[1])]
    done = subprocess.run([openssl, *words, *named, *files], capture_output=True, text=True, check=False)  # nosec B603 # the host's name is an argument of its own
    if done.returncode:
        return f"openssl made no certificate for “{host}”: {done.stderr.strip().splitlines()[-1]}"
    for draft, path in zip(drafts, (key, certificate), strict=True):
        draft.chmod(0o444)
        draft.replace(path)
        print(f"made {path}")
    return None


if __name__ == "__main__":
    sys.exit(main())
