"""A service area from the public files of a GBFS feed.

What is asked for is the discovery file and, of what it names, the geofencing zones, the stations,
the regions and the system's name. Vehicle positions are never asked for: they are what trips are
made of, and a service area is not learnt from trips.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import shapely
from shapely import MultiPolygon, Point

from tasks.gbfs import BodyError, Client, FeedError, Manners
from tasks.gbfs.discover import NAMES, entry_url, file_url, vehicle_status_url
from tasks.gbfs.document import decode
from tasks.gbfs.parse import holds_vehicles
from tasks.gbfs.reader import MAX_ENTRIES
from tasks.service_area.errors import AreaError
from tasks.service_area.files import cut_of, notes_of
from tasks.service_area.outline import Areas, areas_of, parted, polygonal
from tasks.service_area.stations import around, parse_docks, parse_regions, parse_stations
from tasks.service_area.system import System, parse_system
from tasks.service_area.zones import Zones, parse_zones

BUFFER_M = 500.0
"""How far around a station its rides begin and end, unless told otherwise."""

_SHOWN = 200

ZONES = "geofencing_zones"
STATIONS = "station_information"
REGIONS = "system_regions"
SYSTEM = "system_information"


def areas_of_feed(
    url: str,
    cuts: Sequence[Path] = (),
    buffer_m: float = BUFFER_M,
    *,
    manners: Manners | None = None,
    now: dt.datetime | None = None,
) -> Areas:
    """The best that a feed says of its service area.

    That is where its zones let rides start or end; without such zones the ground around its
    stations, less the zones that allow neither and hold no station. Parts more than 5 km apart
    are areas of their own, named by their largest zone or by the region of most of their stations;
    a single one has the system's name.

    Args:
        url: Of the discovery file (gbfs.json), of gbfs_versions.json or of manifest.json.
        cuts: Polygon files of what is no part of the area, such as parks and water.
        buffer_m: Metres around a station that belong to the area.
        manners: When hosts may be asked. Default: at any time.
        now: The moment at which zones must be in force. Default: this one.

    Raises:
        FeedError: If the discovery file is not to be had.
        RegionError: If a polygon file is wrong.
        AreaError: If the feed says nothing of its area.
    """
    cut = cut_of(cuts)
    with PublicFiles(url, manners) as files:
        zones = _zones(files, now or dt.datetime.now(dt.UTC))
        if zones is not None and zones.outline:
            named, notes = _by_zones(zones, cut)
        else:
            named, notes = _by_stations(files, zones, cut, buffer_m)
        system = system_of(files).name or "area"
    alone = len(named) == 1
    shapes = [(system if alone or name is None else name, shape) for name, shape in named]
    return areas_of(shapes, [*notes, *notes_of(cuts)], url)


def docks_of_feed(url: str, *, manners: Manners | None = None) -> dict[Point, str | None]:
    """Where a feed's stations stand, each place once, with the station's name.

    Args:
        url: As of `areas_of_feed`.
        manners: When hosts may be asked. Default: at any time.

    Raises:
        FeedError: If the discovery file or that of the stations is not to be had.
        AreaError: If the feed has no stations.
    """
    with PublicFiles(url, manners) as files:
        document = files.read(STATIONS)
    docks = parse_docks(document) if document is not None else {}
    if not docks:
        raise AreaError(
            f"{url}: the feed names no stations; where vehicles are parked anywhere, name a "
            "GeoJSON file of the city's roads instead"
        )
    return docks


class PublicFiles:
    """The public files of one feed. Use it as a context manager: it holds connections."""

    def __init__(self, url: str, manners: Manners | None = None) -> None:
        """Check the URL; nothing is sent yet.

        Raises:
            AreaError: If it is no http or https URL, or that of a vehicle feed.
        """
        if any(name in urlsplit(url).path for name in NAMES):
            raise AreaError(
                f"{url} is a vehicle feed, which no service area is made from; "
                "give the feed's gbfs.json"
            )
        self._url = url
        try:
            self._client = Client(url, manners=manners)
        except ValueError:
            raise AreaError(f"{url} is no http or https URL; give that of gbfs.json") from None
        self._listing: tuple[dict[str, Any], str] | None = None

    def __enter__(self) -> "PublicFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def read(self, name: str) -> dict[str, Any] | None:
        """A decoded file of the feed; None if the feed names none of that name.

        Raises:
            FeedError: If the file, or the discovery file, is not to be had.
        """
        url = file_url(*self._listed(), name)
        return None if url is None else self._get(url)[0]

    def vehicles_url(self) -> str:
        """The URL of the vehicle feed, which is not asked for.

        Raises:
            FeedError: If the discovery file is not to be had, or names none.
        """
        return vehicle_status_url(*self._listed())

    def _listed(self) -> tuple[dict[str, Any], str]:
        """The decoded discovery file and its URL; asked for once."""
        if self._listing is None:
            self._listing = self._discover()
        return self._listing

    def _discover(self) -> tuple[dict[str, Any], str]:
        url = self._url
        for _ in range(MAX_ENTRIES):
            document, base = self._get(url)
            if holds_vehicles(document):
                raise AreaError(f"{_shown(url)} is a vehicle feed; give the feed's gbfs.json")
            try:
                target = entry_url(document, base)
            except BodyError as error:
                raise FeedError(f"{_shown(url)}: {error}") from None
            if target is None:
                return document, base
            url = target
        raise FeedError(f"{self._url}: one list of versions leads to the next")

    def _get(self, url: str) -> tuple[dict[str, Any], str]:
        answer = self._client.get(url)
        if answer.outcome != "ok":
            status = f" {answer.status}" if answer.status else ""
            why = f" ({answer.detail})" if answer.detail else ""
            raise FeedError(f"{_shown(url)}: cannot be fetched: {answer.outcome}{status}{why}")
        try:
            return decode(answer.body), answer.url
        except BodyError as error:
            raise FeedError(f"{_shown(url)}: {error}") from None


def _shown(url: str) -> str:
    r"""A URL as a message names it: the feed may have written what a terminal obeys, and pages.

    Examples:
        >>> _shown("http://a/\x1b[31m"), len(_shown("http://a/" + "b" * 4096))
        ('http://a/?[31m', 200)
    """
    plain = "".join(sign if sign.isprintable() else "?" for sign in url)
    return plain if len(plain) <= _SHOWN else f"{plain[: _SHOWN - 3]}..."


def system_of(files: PublicFiles) -> System:
    """What the operator says of the system, as far as its file is to be had."""
    try:
        document = files.read(SYSTEM)
    except FeedError:
        document = None
    return parse_system(document or {})


def _zones(files: PublicFiles, now: dt.datetime) -> Zones | None:
    document = files.read(ZONES)
    return None if document is None else parse_zones(document, now)


def _by_zones(
    zones: Zones, cut: MultiPolygon
) -> tuple[list[tuple[str | None, MultiPolygon]], list[str]]:
    """Where rides may start or end, named by the largest zone in it."""
    named: list[tuple[str | None, MultiPolygon]] = []
    for part in parted(polygonal(shapely.difference(zones.allowed, cut))):
        here = [zone for zone in zones.zones if shapely.intersects(zone.shape, part)]
        largest = max(here, key=lambda zone: (zone.name is not None, zone.shape.area))
        named.append((largest.name, part))
    allow = sum(any(rule.allowed for rule in zone.rules) for zone in zones.zones)
    return named, [
        f"made from {ZONES}; zones in which rides may start or end: {allow}, "
        f"in which they may not: {len(zones.zones) - allow}",
        *([f"zones that could not be read: {zones.skipped}"] if zones.skipped else []),
    ]


def _by_stations(
    files: PublicFiles, zones: Zones | None, cut: MultiPolygon, buffer_m: float
) -> tuple[list[tuple[str | None, MultiPolygon]], list[str]]:
    """The ground around the stations, named by the region with the most of them."""
    document = files.read(STATIONS)
    stations = parse_stations(document) if document is not None else {}
    count = sum(map(len, stations.values()))
    if not count:
        raise AreaError(
            "the feed names neither zones in which rides may start or end nor stations; "
            "give a polygon file (GeoJSON) of the city instead"
        )
    regions = files.read(REGIONS)
    names = parse_regions(regions) if regions is not None else {}
    everywhere = [place for places in stations.values() for place in places]
    # zones forbid what is parked freely; stations in them are served all the same
    parts = shapely.get_parts(zones.forbidden) if zones is not None else np.array([], object)
    tree = shapely.STRtree(parts)
    forbidden = np.delete(parts, np.unique(tree.query(everywhere, predicate="intersects")[1]))
    ground = {key: around(places, buffer_m) for key, places in stations.items()}
    whole = polygonal(shapely.union_all(list(ground.values())))
    without = shapely.union_all([*forbidden, cut])
    named: list[tuple[str | None, MultiPolygon]] = []
    for part in parted(whole):
        here = {
            key: int(shapely.intersects(part, places).sum()) for key, places in stations.items()
        }
        most = max(here, key=lambda key: here[key])
        shape = polygonal(shapely.difference(part, without))
        named.append((names.get(most or ""), shape))
    notes = [f"made from {STATIONS}: {buffer_m:.0f} m around {count:,} stations"]
    if len(forbidden):
        notes.append(f"without the {ZONES} in which rides may neither start nor end")
    return named, notes
