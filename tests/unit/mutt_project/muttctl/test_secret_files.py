"""A secret that was made is in its file, whatever fails afterwards."""

import re

import pytest

from mutt_project.muttctl.errors import MuttctlError
from mutt_project.muttctl.secret_files import secret_files


def test_a_secret_stays_in_its_file_where_standard_output_fails(tmp_path):
    path = tmp_path / "new.key"

    def create() -> None:
        with secret_files({"secret": path}) as files:
            files.write({"secret": "the only copy"})
            raise BrokenPipeError(32, "Broken pipe")  # as print does

    with pytest.raises(MuttctlError, match=rf"Broken pipe.*\n.*{re.escape(str(path))}"):
        create()
    assert path.read_text() == "the only copy\n"


def test_a_file_without_a_secret_goes_again_and_the_others_are_named(tmp_path):
    secret, signing = tmp_path / "new.key", tmp_path / "new.signing"

    def create() -> None:
        with secret_files({"secret": secret, "signing_secret": signing}) as files:
            signing.unlink()
            signing.mkdir()  # it cannot be written any more
            files.write({"secret": "the only copy", "signing_secret": "lost"})

    with pytest.raises(MuttctlError) as caught:
        create()
    assert f"{signing} cannot be written: Is a directory" in str(caught.value)
    assert f"is in {secret}" in str(caught.value)
    assert secret.read_text() == "the only copy\n"
