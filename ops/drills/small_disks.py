"""Small disks of our own: tmpfs in a mount namespace of this process, seen by nobody but what it starts."""

import ctypes
import os
import sys
from pathlib import Path

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_MNT_DETACH = 2
_FILLER = "something-else.bin"


class NotAllowed(RuntimeError):  # noqa: N818 - it reads as a sentence
    """The system does not let us mount anything; the message says why."""


class SmallDisks:
    """Mounts that end with `unmount`, or with this process. Root needs CAP_SYS_ADMIN; others a user namespace."""

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise NotAllowed("it needs the mount namespaces of Linux")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._mounted: list[Path] = []
        user, group = os.geteuid(), os.getegid()
        flags = _CLONE_NEWNS if user == 0 else _CLONE_NEWNS | _CLONE_NEWUSER
        self._must(self._libc.unshare(flags), "no mount namespace of our own")
        if user:
            for name, content in (
                ("setgroups", "deny"),
                ("uid_map", f"{user} {user} 1"),
                ("gid_map", f"{group} {group} 1"),
            ):
                Path(f"/proc/self/{name}").write_text(content)
        self._must(self._libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None), "mounts cannot be kept private")

    def mount(self, folder: Path, megabytes: int) -> None:
        """An empty disk at this folder. Raises NotAllowed."""
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={megabytes}m,mode=0755".encode()
        done = self._libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, options)
        self._must(done, f"no disk can be mounted at {folder}")
        self._mounted.append(folder)

    def unmount(self) -> None:
        """Take them away; what was on them is gone."""
        while self._mounted:
            self._libc.umount2(os.fsencode(self._mounted.pop()), _MNT_DETACH)

    def _must(self, result: int, trouble: str) -> None:
        if result:
            raise NotAllowed(f"{trouble}: {os.strerror(ctypes.get_errno())}")


def fill(folder: Path) -> Path:
    """Fill the disk to its last byte with one file that has no business there; returns it."""
    file = folder / _FILLER
    with file.open("wb", buffering=0) as filler:
        for size in (1 << 20, 4096, 1):
            try:
                while filler.write(b"x" * size):
                    pass
            except OSError:
                continue
    return file
