"""Flower's password: Flower asks the environment alone, and without it lets everybody in."""

import os
import sys

from django.conf import settings


def demand_password() -> None:
    """Hand it over. Raises SystemExit where there is none."""
    if password := settings.MUTT_SECRETS.get("FLOWER_BASIC_AUTH", ""):
        os.environ["FLOWER_BASIC_AUTH"] = password
    elif not any(word.startswith(("--basic_auth", "--basic-auth", "--auth")) for word in sys.argv):
        sys.exit("Flower starts with a password alone: set FLOWER_BASIC_AUTH to name:password.")
