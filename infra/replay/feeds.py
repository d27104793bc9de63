"""Rendering a timeline as a GBFS feed set, in versions 1.1, 2.3 and 3.0."""

import datetime as dt
import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from infra.replay.day import ServiceDay
from infra.replay.regimes import IdRegime
from infra.replay.timeline import MAX_RANGE_M, Integers, Seen, Timeline

VERSIONS = ("2.3", "1.1", "3.0")
"""Versions in which a timeline is served; the first is the default."""

_LANGUAGE = "en"
_VEHICLE_TYPE = {
    "vehicle_type_id": "scooter",
    "form_factor": "scooter_standing",
    "propulsion_type": "electric",
    "max_range_meters": MAX_RANGE_M,
}

_Texts = NDArray[np.object_]


def vehicle_status_name(version: str) -> str:
    """What a version calls the vehicle status.

    Examples:
        >>> vehicle_status_name("2.3"), vehicle_status_name("3.0")
        ('free_bike_status', 'vehicle_status')
    """
    return "vehicle_status" if _is_3(version) else "free_bike_status"


def timestamp(version: str, time: int) -> int | str:
    """Unix seconds as a version writes them: a number, from 3.0 on RFC 3339 text.

    Examples:
        >>> timestamp("3.0", 1)
        '1970-01-01T00:00:01+00:00'
    """
    return dt.datetime.fromtimestamp(time, dt.UTC).isoformat() if _is_3(version) else time


def discovery(version: str, time: int, urls: dict[str, str]) -> bytes:
    """The discovery file (gbfs.json) that names each file's URL."""
    feeds = {"feeds": [{"name": name, "url": url} for name, url in urls.items()]}
    data = feeds if _is_3(version) else {_LANGUAGE: feeds}
    return document(version, time, data)


def system_information(version: str, time: int, system: str, name: str, time_zone: str) -> bytes:
    """The system information of a feed that has none of its own."""
    data: dict[str, Any] = {"system_id": system, "timezone": time_zone}
    if _is_3(version):
        data |= {
            "languages": [_LANGUAGE],
            "name": [{"text": name, "language": _LANGUAGE}],
            "opening_hours": "24/7",
            "feed_contact_email": "replay@example.com",
        }
    else:
        data |= {"language": _LANGUAGE, "name": name}
    return document(version, time, data)


def document(version: str, time: int, data: object) -> bytes:
    """A GBFS file: the common header around its data."""
    return json.dumps(_header(version, time) | {"data": data}).encode()


def _is_3(version: str) -> bool:
    return int(version.split(".")[0]) >= 3


def _header(version: str, time: int) -> dict[str, Any]:
    return {"last_updated": timestamp(version, time), "ttl": 0, "version": version}


class TimelineFeed:
    """A source that renders a timeline."""

    def __init__(
        self,
        timeline: Timeline,
        day: ServiceDay,
        system: str,
        name: str,
        id_regime: str = "static",
    ) -> None:
        """Prepare what no poll changes.

        Args:
            timeline: Where the vehicles stand.
            day: When the polls take place.
            system: GBFS system id.
            name: The system's name for people.
            id_regime: How vehicles are named, one of `infra.replay.regimes.ID_REGIMES`.

        Raises:
            ReplayError: If there is no such regime.
        """
        self.timeline = timeline
        self.day = day
        self._system = system
        self._name = name
        self._regime = IdRegime(id_regime, day)
        self._fingerprint = f"{zlib.crc32(timeline.keys.tobytes()):08x}-{id_regime}"
        self._fragments = {version: _fragments(version, timeline) for version in VERSIONS}

    @property
    def versions(self) -> tuple[str, ...]:
        """GBFS versions in which the day can be served."""
        return VERSIONS

    @property
    def polls(self) -> int:
        """How many polls the day holds."""
        return self.day.polls

    def time(self, poll: int) -> int:
        """Virtual time of a poll, in Unix seconds."""
        return self.day.time(poll)

    def tag(self, version: str, poll: int) -> str:
        """Identifies the body; no two are identical, since each names its own time."""
        return f"{self._fingerprint}-{self.day.start}-{version}-{poll}"

    def vehicle_status(self, version: str, poll: int) -> bytes:
        """Body of the vehicle status."""
        seen = self.timeline.seen(poll)
        before, after = self._fragments[version]
        if self._regime.name == "static":
            names = before[self.timeline.vehicle[seen.stand]].tolist()
        else:
            ids = self._regime.ids(self.timeline, seen.stand, poll)
            order = np.argsort(ids)  # else their places would tell who is who
            seen = Seen(*(column[order] for column in seen))
            names = [_before(version, ids[place]) for place in order.tolist()]
        pieces = [',"lon":'] * (5 * len(seen.stand))
        pieces[0::5] = names
        pieces[1::5] = _degrees(seen.latitude_e6)
        pieces[3::5] = _degrees(seen.longitude_e6)
        pieces[4::5] = after[seen.stand].tolist()
        if pieces:
            pieces[-1] = pieces[-1].rstrip(",")
        frame = json.dumps(_header(version, self.time(poll)) | {"data": {_list_name(version): []}})
        return (frame.removesuffix("]}}") + "".join(pieces) + "]}}").encode()

    def documents(self, version: str, poll: int) -> dict[str, bytes]:
        """System information and, where the version knows them, vehicle types."""
        time, zone = self.time(poll), self.day.time_zone
        files = {
            "system_information": system_information(version, time, self._system, self._name, zone)
        }
        if version != "1.1":
            files["vehicle_types"] = document(version, time, {"vehicle_types": [_VEHICLE_TYPE]})
        return files


def _list_name(version: str) -> str:
    return "vehicles" if _is_3(version) else "bikes"


def _degrees(microdegrees: Integers) -> list[str]:
    return list(map(repr, (microdegrees / 1e6).tolist()))


def _before(version: str, name: str) -> str:
    key = "vehicle_id" if _is_3(version) else "bike_id"
    return f'{{"{key}":{json.dumps(name)},"lat":'


def _fragments(version: str, timeline: Timeline) -> tuple[_Texts, _Texts]:
    """JSON of a vehicle before its latitude (per id) and after its longitude (per stand)."""
    before = [_before(version, name) for name in timeline.ids]
    if version == "1.1":
        after = [',"is_reserved":0,"is_disabled":0},'] * len(timeline.range_m)
    else:
        flags = ',"is_reserved":false,"is_disabled":false,"vehicle_type_id":'
        kind = json.dumps(_VEHICLE_TYPE["vehicle_type_id"])
        after = [
            f'{flags}{kind},"current_range_meters":{metres}}},'
            for metres in timeline.range_m.tolist()
        ]
    return np.array(before, dtype=object), np.array(after, dtype=object)
