"""A folder of captured bodies, played one by one."""

import datetime as dt
import gzip
import hashlib
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.replay.day import zone_named
from infra.replay.feeds import system_information
from infra.replay.source import ReplayError

_OTHER_FILES = re.compile(r"(gbfs|manifest|system_|station_|vehicle_types|geofencing)")
_DOCUMENTS = ("system_information", "vehicle_types")
_VERSION = re.compile(r"\d+\.\d+(-RC\d*)?")
_VERSION_BEFORE_IT_WAS_NAMED = "1.0"


@dataclass(frozen=True)
class _Capture:
    path: Path
    time: int  # virtual, Unix seconds; rises from one capture to the next
    digest: str


class CapturedFeed:
    """A source that plays captured bodies, byte for byte, in the order of their file names."""

    def __init__(
        self,
        directory: Path,
        date: dt.date | None = None,
        time_zone: str = "UTC",
        poll_seconds: int = 60,
    ) -> None:
        """Read every body once, for its time and its digest.

        The virtual time of a body is its `last_updated`. One that is not later than the body
        before it (the feed stood still) follows `poll_seconds` after that one, or sooner where
        the next body leaves less time.

        Args:
            directory: Holds the bodies (.json, .json.gz), or a folder `captures` with them; may
                also hold the feed set's `system_information.json` and `vehicle_types.json`.
            date: Play only the bodies last updated on this local day; None plays all.
            time_zone: IANA name of the zone in which the day is local.
            poll_seconds: Time between two polls of a feed that stands still, seconds.

        Raises:
            ReplayError: If the folder holds no such body, or for the first that is no GBFS.
        """
        zone = zone_named(time_zone)
        within = directory / "captures"
        self._home = directory
        self._zone_name = time_zone
        self._poll_seconds = poll_seconds
        paths = _captures_in(within if within.is_dir() else directory)
        read = [(path, *_glance(path)) for path in paths]
        if date is not None:
            read = [
                capture
                for capture in read
                if dt.datetime.fromtimestamp(capture[1], zone).date() == date
            ]
            if not read:
                raise ReplayError(
                    f"{directory}: none of the {len(paths)} captured bodies was last updated on "
                    f"{date} ({time_zone}); choose another day"
                )
        times = _rising([time for _, time, _, _ in read], poll_seconds)
        self._captures = [
            _Capture(path, time, digest)
            for (path, _, digest, _), time in zip(read, times, strict=True)
        ]
        self._version = read[0][3]

    @property
    def versions(self) -> tuple[str, ...]:
        """The version that the first body names."""
        return (self._version,)

    @property
    def polls(self) -> int:
        """How many bodies there are."""
        return len(self._captures)

    def time(self, poll: int) -> int:
        """Virtual time of a body, in Unix seconds; the end is just before the next poll's."""
        if poll < len(self._captures):
            return self._captures[poll].time
        return self._captures[-1].time + max(1, self._poll_seconds - 1)

    def tag(self, version: str, poll: int) -> str:
        """The body's digest."""
        return self._captures[poll].digest

    def vehicle_status(self, version: str, poll: int) -> bytes:
        """The captured body, unaltered."""
        return _read(self._captures[poll].path)

    def documents(self, version: str, poll: int) -> dict[str, bytes]:
        """The files captured beside the bodies; system information is made up if missing."""
        files = {}
        for name in _DOCUMENTS:
            path = self._home / f"{name}.json"
            if path.is_file():
                files[name] = _read(path)
        if "system_information" not in files:
            files["system_information"] = system_information(
                version, self.time(poll), "replay", "Replay of captured bodies", self._zone_name
            )
        return files


def _captures_in(directory: Path) -> list[Path]:
    if not directory.is_dir():
        raise ReplayError(f"{directory}: no such folder; name one with captured bodies")
    paths = [
        path
        for path in sorted(directory.iterdir())
        if path.name.endswith((".json", ".json.gz")) and not _OTHER_FILES.match(path.name)
    ]
    if not paths:
        raise ReplayError(f"{directory}: no captured bodies (.json or .json.gz) in it")
    return paths


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise ReplayError(f"{path}: cannot read the captured body: {error}") from error


def _glance(path: Path) -> tuple[int, str, str]:
    """A body's last_updated in Unix seconds, its digest, its version."""
    body = _read(path)
    try:
        document = json.loads(body)
    except ValueError as error:
        raise ReplayError(f"{path}: not JSON; remove it from the captured bodies") from error
    if not isinstance(document, dict):
        raise ReplayError(f"{path}: not a JSON object; remove it from the captured bodies")
    version = document.get("version", _VERSION_BEFORE_IT_WAS_NAMED)
    if not (isinstance(version, str) and _VERSION.fullmatch(version)):
        raise ReplayError(f"{path}: its version is no GBFS version")
    return _unix(document.get("last_updated"), path), hashlib.sha256(body).hexdigest(), version


def _unix(last_updated: Any, path: Path) -> int:
    try:
        if isinstance(last_updated, str) and not last_updated.isdigit():
            time = dt.datetime.fromisoformat(last_updated)
            if time.tzinfo is None:
                raise ValueError("no offset from UTC")
            return int(time.timestamp())
        return int(dt.datetime.fromtimestamp(int(last_updated), dt.UTC).timestamp())
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise ReplayError(f"{path}: its last_updated is no time") from error


def _rising(times: list[int], poll_seconds: int) -> list[int]:
    """Push times that do not rise apart, into the time before the next that does.

    Examples:
        >>> _rising([0, 0, 300, 300, 300, 310], 60)
        [0, 60, 300, 303, 306, 310]
    """
    rising: list[int] = []
    for place, time in enumerate(times):
        if rising and time <= rising[-1]:
            later = next((k for k in range(place, len(times)) if times[k] > rising[-1]), None)
            step = poll_seconds
            if later is not None:
                step = min(step, max(1, (times[later] - rising[-1]) // (later - place + 1)))
            time = rising[-1] + step
        rising.append(time)
    return rising
