"""Geofencing zones of a feed: where rides may start or end.

GBFS has the file since 2.1. A zone's rules say whether a ride may start and end in it: by one word
until 2.3 (`ride_allowed`), by two since 3.0. Of colliding rules the earlier in the file counts, in
overlapping zones too; rules may name vehicle types; what the file says for everywhere else
(`global_rules`, since 3.0) counts last (section geofencing_zones.json of the specification).

Two things are read otherwise than they are written, because they are written otherwise than the
specification reads. A zone that lies wholly in an earlier one would have no effect: it goes before
it. And since nearly all publishers turn their rings as RFC 7946 says, which until 2.3 would mean
the outside of a zone, a zone is always its inside.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import shapely
from shapely import MultiPolygon

from tasks.gbfs.document import content
from tasks.gbfs.errors import TooLargeError, WrongShapeError
from tasks.gbfs.values import flag, identifier, instant
from tasks.region.geojson import features_of
from tasks.service_area.outline import polygonal, shape_of, text_of

MOST_ZONES = 5_000
"""Of one feed; cities have a few hundred."""

_WORDS = ("ride_allowed", "ride_start_allowed", "ride_end_allowed")
_NEARLY = 0.0003
"""Degrees by which a zone may reach over the edge of the one it lies in: 30 m."""


@dataclass(frozen=True)
class Rule:
    """Whether rides may start or end.

    Attributes:
        types: Ids of the vehicle types it is for; None for all.
        allowed: Whether they may start or end, or both.
    """

    types: frozenset[str] | None
    allowed: bool


@dataclass(frozen=True)
class Zone:
    """A shape and its rules.

    Attributes:
        name: Its public name, if it has one.
        shape: Not empty.
        rules: The earlier counts.
    """

    name: str | None
    shape: MultiPolygon
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class Zones:
    """What a file of zones says.

    Attributes:
        zones: Those that say something on starts and ends and are in force, in the file's order.
        elsewhere: The rules outside of all zones.
        skipped: Number of features that could not be read.
    """

    zones: tuple[Zone, ...]
    elsewhere: tuple[Rule, ...]
    skipped: int

    @property
    def outline(self) -> bool:
        """Whether the zones say where rides may end, and not only what is special somewhere."""
        somewhere = any(rule.allowed for zone in self.zones for rule in zone.rules)
        return somewhere and not any(rule.allowed for rule in self.elsewhere)

    @property
    def allowed(self) -> MultiPolygon:
        """Where a ride of any type of vehicle may start or end, by the zones alone."""
        return polygonal(shapely.union_all([self._painted(kind, True) for kind in self._kinds()]))

    @property
    def forbidden(self) -> MultiPolygon:
        """Where no ride of any type of vehicle may start or end, but at stations."""
        shapes = [self._painted(kind, False) for kind in self._kinds()]
        return polygonal(shapely.intersection_all(shapes))

    def _kinds(self) -> list[tuple[bool | None, ...]]:
        """What the zones say to the types of vehicles, each different answer once."""
        rules = [rule for zone in self.zones for rule in zone.rules]
        types = {None, *(kind for rule in rules for kind in rule.types or ())}
        heard = {tuple(_says(zone.rules, kind) for zone in self.zones) for kind in types}
        return [answers for answers in heard if any(answer is not None for answer in answers)]

    def _painted(self, answers: Sequence[bool | None], wanted: bool) -> MultiPolygon:
        """Where one answer counts: each zone that gives it, less those that count before it."""
        shapes, order = [zone.shape for zone in self.zones], self._order
        rank = {index: rank for rank, index in enumerate(order)}
        heard = [index for index in order if answers[index] is not None]
        against = [index for index in heard if answers[index] is not wanted]
        tree = shapely.STRtree([shapes[index] for index in against])
        seen = []
        for index in heard:
            if answers[index] is wanted:
                others = [against[at] for at in tree.query(shapes[index], predicate="intersects")]
                over = [shapes[other] for other in others if rank[other] < rank[index]]
                seen.append(shapely.difference(shapes[index], shapely.union_all(over)))
        return polygonal(shapely.union_all(seen))

    @cached_property
    def _order(self) -> list[int]:
        return _order(self.zones)


def parse_zones(document: dict[str, Any], now: dt.datetime) -> Zones:
    """Read a decoded geofencing_zones.json of any version.

    A feature that cannot be read, and a zone that is over or has not begun, is left out.

    Args:
        document: The decoded file.
        now: The moment at which zones must be in force.

    Raises:
        TooLargeError: If it holds more than `MOST_ZONES` zones.
        WrongShapeError: If it holds no list of zones.
    """
    data = content(document)
    collection = data.get("geofencing_zones")
    features = collection.get("features") if isinstance(collection, dict) else None
    if not isinstance(features, list):
        raise WrongShapeError("the JSON holds no list of geofencing zones")
    if len(features) > MOST_ZONES:
        raise TooLargeError("the body holds more geofencing zones than any feed")
    zones, skipped = [], 0
    for feature in features:
        try:
            zone = _zone(feature, now)
        except ValueError:
            skipped += 1
            continue
        if zone is not None:
            zones.append(zone)
    return Zones(tuple(zones), _rules(data.get("global_rules")), skipped)


def _zone(feature: Any, now: dt.datetime) -> Zone | None:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise ValueError("no feature")
    read = features_of(feature)
    if not read:
        return None
    properties = read[0].properties
    start, end = (instant(properties.get(key)) for key in ("start", "end"))
    rules = _rules(properties.get("rules"))
    shape = shape_of(read[0].polygons)
    in_force = (start is None or start <= now) and (end is None or now < end)
    if not rules or shape.is_empty or not in_force:
        return None
    return Zone(text_of(properties.get("name")), shape, rules)


def _rules(items: Any) -> tuple[Rule, ...]:
    """The rules on starts and ends; others, such as speed limits, are left out."""
    found = []
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, Mapping):
            continue
        words = [word for key in _WORDS if (word := flag(item.get(key))) is not None]
        if words:
            types = item.get("vehicle_type_ids", item.get("vehicle_type_id"))
            types = [types] if isinstance(types, str) else types
            ids = [identifier(kind) for kind in types] if isinstance(types, list) else []
            kept = frozenset(kind for kind in ids if kind is not None)
            found.append(Rule(kept or None, any(words)))
    return tuple(found)


def _says(rules: Sequence[Rule], kind: str | None) -> bool | None:
    """The first rule for a type of vehicle; None stands for types that no rule names."""
    return next((rule.allowed for rule in rules if rule.types is None or kind in rule.types), None)


def _order(zones: Sequence[Zone]) -> list[int]:
    """Indices of the zones, first what counts first: as in the file, but inner before outer."""
    shapes = [zone.shape for zone in zones]
    tree = shapely.STRtree(shapely.buffer(shapes, _NEARLY, quad_segs=2))
    within: dict[int, set[int]] = {}
    for inner, outer in tree.query(shapes, predicate="covered_by").T.tolist():
        if shapes[inner].area < shapes[outer].area:
            within.setdefault(inner, set()).add(outer)
    order: list[int] = []
    for index in range(len(zones)):
        outer = within.get(index, set())
        place = next((at for at, other in enumerate(order) if other in outer), len(order))
        order.insert(place, index)
    return order
