"""Turns at a host: requests to one host keep a distance, over all processes of the machine."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tasks.gbfs.address import is_loopback_name
from tasks.gbfs.note import shared_note

SPACING_SECONDS = 0.2
"""Least time between two requests to one host, whatever regions and processes send them."""

MAX_QUEUE_SECONDS = 60.0
"""A turn that is further away was written by a clock that ran ahead, and does not count."""


class HostTurns:
    """The turns at every host. A turn is taken under a lock and waited for outside it.

    Requests to this machine itself keep no distance.
    """

    def __init__(
        self,
        directory: Path,
        spacing_seconds: float = SPACING_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Remember where the turns are noted.

        Args:
            directory: Folder of the notes; made with the first turn.
            spacing_seconds: Least time between two requests to one host.
            sleep: Waits.
            now: Seconds since 1970.
        """
        self._directory = directory
        self._spacing = spacing_seconds
        self._sleep = sleep
        self._now = now

    def take(self, host: str) -> None:
        """Wait until it is our turn at a host.

        Where the turn cannot be noted, on a full disk for instance, nothing is waited for.
        """
        if is_loopback_name(host):
            return
        wait = 0.0
        with suppress(OSError), shared_note(self._directory, host) as note:
            now = self._now()
            turn = max(now, note["turn"] + self._spacing)
            if turn > now + MAX_QUEUE_SECONDS:
                turn = now
            note["turn"] = turn
            wait = turn - now
        if wait > 0:
            self._sleep(wait)
