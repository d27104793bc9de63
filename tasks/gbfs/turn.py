"""Turns at a host: requests to one host keep a distance, over all processes of the machine."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tasks.gbfs.address import is_loopback_name

SPACING_SECONDS = 0.2
"""Least time between two requests to one host, whatever regions and processes send them."""

MAX_QUEUE_SECONDS = 60.0
"""A turn that is further away was written by a clock that ran ahead, and does not count."""


class HostTurns:
    """The turns at every host: one small file a host, below a folder of the data root.

    A turn is taken under a lock and waited for outside it. This machine itself is not spared.
    """

    def __init__(
        self,
        directory: Path,
        spacing_seconds: float = SPACING_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Remember where the turns are noted.

        Args:
            directory: Folder of the files; made with the first turn.
            spacing_seconds: Least time between two requests to one host.
            sleep: Waits.
        """
        self._directory = directory
        self._spacing = spacing_seconds
        self._sleep = sleep

    def take(self, host: str) -> None:
        """Wait until it is our turn at a host.

        Where the turn cannot be noted, on a full disk for instance, nothing is waited for.
        """
        if is_loopback_name(host):
            return
        wait = 0.0
        with suppress(OSError):
            wait = self._reserve(host)
        if wait > 0:
            self._sleep(wait)

    def _reserve(self, host: str) -> float:
        """Take the next free turn; returns the seconds until then."""
        self._directory.mkdir(parents=True, exist_ok=True)
        # a name from a feed never becomes a path
        path = self._directory / hashlib.sha256(host.encode()).hexdigest()[:32]
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            now = time.time()
            turn = max(now, _moment(os.read(file, 64)) + self._spacing)
            if turn > now + MAX_QUEUE_SECONDS:
                turn = now
            os.pwrite(file, f"{turn:020.6f}".encode(), 0)
        finally:
            os.close(file)
        return turn - now


def _moment(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
