"""Where the API key of a profile is kept: with the address that it is for, and given out for no other."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keyring
from keyring.errors import KeyringError, NoKeyringError, PasswordDeleteError

from mutt_project.muttctl.errors import ConfigurationError
from mutt_project.muttctl.output import one_line
from mutt_project.muttctl.patience import within
from mutt_project.muttctl.profile_store import FILE, Profile, read_own, write_private

PATIENCE_S = 60.0  # a person may have to unlock the keyring in a window


def key_of(profile: Profile, folder: Path) -> str:
    """Raises ConfigurationError where there is none for the profile's address, or where it cannot be had."""
    key = _key_in_file(profile, folder) if profile.key == FILE else _in_keyring(keyring.get_password, profile)
    if not key:
        in_file = " --file" if profile.key == FILE else ""
        raise ConfigurationError(
            f"No API key is kept for the profile “{profile.name}” and {profile.url}.\n"
            f"Store it by: muttctl profile add {profile.name} --url {profile.url}{in_file} --replace"
        )
    return str(key)


def store_key(profile: Profile, folder: Path, api_key: str) -> None:
    if profile.key == FILE:
        content = {"url": profile.url, "api_key": api_key}
        write_private(_file_of(profile, folder), json.dumps(content) + "\n")
    else:
        _in_keyring(keyring.set_password, profile, api_key)


def forget_key(profile: Profile, folder: Path) -> None:
    """It may be gone already."""
    if profile.key == FILE:
        _file_of(profile, folder).unlink(missing_ok=True)
        return

    def delete(service: str, name: str) -> None:
        try:
            keyring.delete_password(service, name)
        except PasswordDeleteError:
            return

    _in_keyring(delete, profile)


def _file_of(profile: Profile, folder: Path) -> Path:
    return folder / "keys" / f"{profile.name}.json"


def _key_in_file(profile: Profile, folder: Path) -> str | None:
    path = _file_of(profile, folder)
    try:
        content = json.loads(read_own(path, stat.S_IRWXG | stat.S_IRWXO, "others can read the key in it", "600"))
        return str(content["api_key"]) if content["url"] == profile.url else None
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(f"{path} is not as muttctl writes it. Add the profile anew, with --replace.") from None


def _in_keyring(call: Callable[..., Any], profile: Profile, *secret: str) -> Any:
    """What the call does with the entry that bears the profile's address and name, within PATIENCE_S."""
    try:
        return within(PATIENCE_S, lambda: call(f"muttctl {profile.url}", profile.name, *secret))
    except TimeoutError:
        raise _unusable(profile, f"it did not answer within {PATIENCE_S:.0f} s") from None
    except NoKeyringError:
        raise _unusable(profile, "there is none on this machine") from None
    except Exception as error:  # noqa: BLE001 - a backend is anybody's, and raises what it likes
        kind = "" if isinstance(error, KeyringError) else f"{type(error).__name__}: "
        words = str(error)
        for one in secret:
            words = words.replace(one, "***")
        raise _unusable(profile, one_line(f"{kind}{words}") or type(error).__name__) from None


def _unusable(profile: Profile, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The keyring cannot be used: {why.rstrip('.')}.\n"
        "Unlock it, or choose one by PYTHON_KEYRING_BACKEND; or keep the key in a file that only you can read:\n"
        f"muttctl profile add {profile.name} --url {profile.url} --file --replace"
    )
