"""Manners: when a host or a feed may be asked, over all regions and processes of the machine."""

import time
from collections.abc import Callable
from typing import Self

from tasks.files import Layout
from tasks.gbfs.backoff import Backoff
from tasks.gbfs.turn import HostTurns

HOST_INTERVAL_SECONDS = 60.0
"""Feeds of one host may be polled at different intervals; its back-off goes by this one."""

_BUSY = (408, 425, 429)
_WELL = ("ok", "not_modified", "ended")


class Manners:
    """Turns at hosts, and back-off from hosts and from feeds.

    A host is spared after 408, 425, 429, 5xx, a time-out and no connection, until one good answer
    of any of its feeds; and for as long as `Retry-After` says. A feed is spared after any error,
    also those that say nothing about the host, such as 403, 404 and a body over the limit.
    """

    def __init__(self, turns: HostTurns, backoff: Backoff) -> None:
        """Use these.

        Args:
            turns: The turns at the hosts.
            backoff: The hosts and feeds that are spared.
        """
        self._turns = turns
        self._backoff = backoff

    @classmethod
    def of_machine(
        cls,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Self:
        """Those that the data root keeps for all processes.

        Args:
            now: Seconds since 1970.
            sleep: Waits.
        """
        root = Layout.from_environment().root / "private"
        return cls(HostTurns(root / ".hosts", sleep=sleep, now=now), Backoff(root / ".spared", now))

    def await_turn(self, host: str, port: int) -> None:
        """Wait until a host may be asked.

        Raises:
            SparedError: If it is spared now, or by the time its turn has come.
        """
        self._backoff.check(_server(host, port))
        self._turns.take(host)
        self._backoff.check(_server(host, port))

    def note_answer(
        self, host: str, port: int, outcome: str, status: int | None, retry_after: float | None
    ) -> None:
        """Note how a request to a host ended.

        Args:
            host: As in the URL, lower case.
            port: TCP port.
            outcome: One of `tasks.schema.polls.OUTCOMES`.
            status: HTTP status, if there was one.
            retry_after: Seconds for which it asks not to be asked, if it does.
        """
        is_busy = status is not None and (status in _BUSY or status >= 500)
        if outcome in ("timeout", "unreachable") or is_busy or retry_after:
            self._backoff.failed(_server(host, port), HOST_INTERVAL_SECONDS, retry_after)
        elif outcome in _WELL:
            self._backoff.succeeded(_server(host, port))

    def check_feed(self, feed: str) -> None:
        """Return if a feed may be polled now.

        Raises:
            SparedError: If it is spared.
        """
        self._backoff.check(f"feed {feed}")

    def note_poll(self, feed: str, outcome: str, interval: float) -> None:
        """Note how a poll of a feed ended.

        Args:
            feed: Where it is, as the region's file writes it.
            outcome: One of `tasks.schema.polls.OUTCOMES`.
            interval: Time between two polls, seconds.
        """
        if outcome in _WELL:
            self._backoff.succeeded(f"feed {feed}")
        else:
            self._backoff.failed(f"feed {feed}", interval)


def _server(host: str, port: int) -> str:
    return f"server {host}:{port}"
