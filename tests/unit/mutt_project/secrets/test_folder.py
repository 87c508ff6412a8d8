"""The folder that processes share is for our own user's eyes only."""

import os
import re

import pytest

from mutt_project.secrets.folder import Folder
from mutt_project.secrets.present import Secrets, SourceError
from mutt_project.secrets.shared import VALUES
from mutt_project.secrets.vault import Vault


def test_the_folder_is_made_for_us_alone_and_files_are_replaced_as_a_whole(tmp_path):
    folder = Folder(tmp_path / "run")
    folder.ensure()
    folder.ensure()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.read("a"), folder.state_of("a")) == (None, None)
    folder.write("a", {"one": 1})
    before = folder.state_of("a")
    folder.write("a", {"one": 2})
    assert (folder.read("a"), folder.state_of("a") != before) == ({"one": 2}, True)
    (folder.path / "a").write_text("{half")
    assert folder.read("a") is None


def test_a_folder_that_is_not_fit_is_refused_with_the_reason(tmp_path):
    (tmp_path / "open").mkdir(mode=0o700)
    (tmp_path / "open").chmod(0o750)
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    for name, why in {
        "open": "can be reached by others (mode 0750). chmod 700 it",
        "link": "is no folder (a symbolic link is none)",
        "file": "is no folder",
        "no/where": "cannot be made: No such file or directory",
    }.items():
        with pytest.raises(SourceError, match=re.escape(f"MUTT_SECRETS_DIR, {tmp_path / name}, {why}")):
            Folder(tmp_path / name).ensure()


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(SourceError, match="belongs to the user"):
        Folder(tmp_path / "run").ensure()


def test_a_symbolic_link_in_the_place_of_a_file_is_not_followed(tmp_path):
    folder = Folder(tmp_path / "run")
    folder.ensure()
    (tmp_path / "outside").write_text("{}")
    (folder.path / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="symbolic links"):
        folder.read("a")
    folder.write("a", {"ours": 1})
    assert (folder.read("a"), (tmp_path / "outside").read_text()) == ({"ours": 1}, "{}")


def test_one_holds_the_folder_and_a_child_that_is_forked_does_not_hold_it_on(tmp_path):
    folder = Folder(tmp_path)
    with folder.held() as first:
        with folder.held() as second:
            assert (first, second) == (True, False)
        (ready, started), (ends, ended) = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            os.close(ended)
            os.write(started, b"!")
            os.read(ends, 1)  # until the parent has looked
            os._exit(0)
        os.read(ready, 1)
    with folder.held() as third:
        assert third
    for pipe in (ready, started, ends, ended):
        os.close(pipe)
    os.waitpid(child, 0)


def test_while_the_shared_file_is_spoilt_the_last_secrets_are_used_on(tmp_path):
    folder = Folder(tmp_path / "run")
    folder.ensure()
    folder.write(VALUES, {"values": {"MOOGSOFT_API_KEY": "the-good-one"}})
    secrets = Secrets(Vault(folder), look_every_s=0)
    folder.write(VALUES, [])
    assert secrets["MOOGSOFT_API_KEY"] == "the-good-one"
    assert "is not what MUTT has written" in secrets.trouble
    (folder.path / VALUES).unlink()
    (folder.path / VALUES).symlink_to("/dev/null")
    assert secrets["MOOGSOFT_API_KEY"] == "the-good-one"
    assert "cannot be read" in secrets.trouble
