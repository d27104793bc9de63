"""Sparing what is in trouble: longer each time, and for as long as it asks."""

import datetime as dt
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tasks.gbfs.errors import SparedError
from tasks.gbfs.note import is_noted, shared_note

BACKOFF_CEILING_SECONDS = 900
"""Whatever is in trouble is asked at least this often, unless it says otherwise."""

MAX_RETRY_AFTER_SECONDS = 3600
"""The longest `Retry-After` that is obeyed."""

FORGOTTEN_SECONDS = 2.0 * MAX_RETRY_AFTER_SECONDS
"""After so long without another failure the next one is the first again."""


class Backoff:
    """Hosts and feeds in trouble, by name: a note each, shared by all processes of the machine.

    After each failure in a row the name is spared for a random time below an interval times
    0, 1, 3, 7, ... (exponential back-off with jitter), at most `BACKOFF_CEILING_SECONDS`. Failures
    less than half an interval after one that was counted are its company: requests that were under
    way together, or the other feeds of one host. What a name asks for itself holds besides, also
    when a good answer comes that was under way before.
    """

    def __init__(
        self,
        directory: Path,
        now: Callable[[], float] = time.time,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Remember where the notes are.

        Args:
            directory: Folder of the notes; made with the first of them.
            now: Seconds since 1970.
            draw: A random number between two bounds.
        """
        self._directory = directory
        self._now = now
        self._draw = draw

    def check(self, name: str) -> None:
        """Return if the name may be asked now.

        Raises:
            SparedError: If it is spared; it says until when.
        """
        if not is_noted(self._directory, name):
            return
        left = 0.0
        with suppress(OSError), shared_note(self._directory, name) as note:
            now = self._now()
            left = max(_left(note["until"], now), _left(note["asked_until"], now))
        if left > 0:
            raise SparedError(dt.datetime.fromtimestamp(now + left, dt.UTC))

    def failed(self, name: str, interval: float, retry_after: float | None = None) -> None:
        """Note a failure, and for how long the name is spared.

        Args:
            name: The host or feed.
            interval: The usual time between two requests, seconds.
            retry_after: Seconds for which it asks not to be asked, if it does.
        """
        with suppress(OSError), shared_note(self._directory, name) as note:
            now = self._now()
            if retry_after:
                asked = min(retry_after, MAX_RETRY_AFTER_SECONDS)
                asked += self._draw(0, min(interval, 0.1 * asked))  # not all at one second
                note["asked_until"] = now + max(asked, _left(note["asked_until"], now))
            since = abs(now - note["failed_at"])  # processes may look in the other order
            if since >= FORGOTTEN_SECONDS:
                note["failures"] = 0
            if not (note["failures"] and since < interval / 2):
                note["failures"] += 1
                note["failed_at"] = now
                most = interval * (2 ** min(note["failures"] - 1, 20) - 1)
                most = min(most, BACKOFF_CEILING_SECONDS)
                wait = self._draw(most / 2, most)
                note["until"] = now + max(wait, _left(note["until"], now))

    def succeeded(self, name: str) -> None:
        """Note that all is well: the next failure is the first again."""
        if is_noted(self._directory, name):
            with suppress(OSError), shared_note(self._directory, name) as note:
                note.update(failures=0, until=0)


def _left(until: float, now: float) -> float:
    """Seconds for which a name is still spared.

    A time that is further away than any was noted by a clock that ran ahead, and does not count.
    """
    left = until - now
    return left if 0 < left <= 1.1 * MAX_RETRY_AFTER_SECONDS else 0.0
