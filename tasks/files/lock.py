"""The lock of a directory: one process writes at a time, and the others are told which."""

import datetime as dt
import fcntl
import os
import platform
from contextlib import suppress
from pathlib import Path

from tasks import OpentripsError

LOCK = "lock"
_NOTE_BYTES = 512


class Lock:
    """Held from its making until it is closed.

    The kernel lets go of it when the process dies, however it dies: nothing has to be cleaned
    up, and the next process takes it over. The note in the file, who holds it and since when, is
    for people only.
    """

    def __init__(self, directory: Path, doing: str, held: type[OpentripsError]) -> None:
        """Take the lock of a directory.

        Args:
            directory: The directory; it exists.
            doing: What the holder does, for people.
            held: Raised if a living process holds the lock; the line says which.

        Raises:
            OSError: If the lock file cannot be opened.
        """
        flags = os.O_RDWR | os.O_CREAT
        self._descriptor = os.open(directory / LOCK, flags, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(OSError):  # a full disk: the lock holds without its note
                self._sign()
        except BlockingIOError:
            holder = os.pread(self._descriptor, _NOTE_BYTES, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise held(
                f"{directory}: {holder or 'another process'} is {doing}; stop it or wait until it "
                "ends"
            ) from None
        except BaseException:
            os.close(self._descriptor)
            raise

    def close(self) -> None:
        """Let another process write."""
        os.close(self._descriptor)

    def _sign(self) -> None:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        note = f"process {os.getpid()} on host {platform.node()}, since {now},"
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, note.encode()[:_NOTE_BYTES], 0)
