"""Look: some minutes of a feed of the reader's choice, a verdict, and a region to begin with."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.parquet as pq

from tasks import OpentripsError
from tasks.files import Layout, write_atomically
from tasks.gbfs import FeedError, Manners
from tasks.gbfs.settings import resolved_url
from tasks.journal.glance import MOST_MINUTES, NAME, Glance
from tasks.journal.shift import Clock, WallClock
from tasks.mobility.areas import Places, area_of
from tasks.mobility.extent import box_around
from tasks.mobility.regime import IdRegime
from tasks.mobility.sealed import trips_of_feed
from tasks.mobility.verdict import Verdict, declared_of, longest_ttl, poll_seconds
from tasks.region import Box, Feed, Guarantee, Region, load_region
from tasks.region.draft import draft_of
from tasks.region.identifier import identifier_of
from tasks.region.service_day import service_day_of
from tasks.service_area import (
    AreaError,
    Areas,
    PublicFiles,
    System,
    areas_of_feed,
    system_of,
    yaml_of,
)


class LookError(OpentripsError):
    """A look that cannot be made, or that saw nothing."""


def look(
    url: str,
    file: Path,
    minutes: float,
    say: Callable[[str], None] = lambda line: None,
    clock: Clock | None = None,
) -> list[str]:
    """Poll a feed for some minutes, say what it is, and write a region's file for it.

    Nothing that was seen is kept but what the file says. A replay server on this machine is read
    by its own clock.

    Args:
        url: Of the feed, as a region's file has it.
        file: Where the region goes; it must not exist.
        minutes: How long to look, 1 to 720.
        say: Takes lines for people while it lasts.
        clock: For feeds that are live. Default: this machine's.

    Returns:
        The verdict, line by line.

    Raises:
        LookError: If the minutes or the file are wrong, or the feed shows nothing.
        FeedError: If the feed cannot be polled, or does not answer.
    """
    _check(file, minutes)
    with tempfile.TemporaryDirectory(prefix="opentrips-look-") as folder:
        glance = Glance.at(url, clock or WallClock(), Layout(Path(folder)))
        glance.see_first()
        public = _public_of(resolved_url(glance.feed), glance.manners())
        say(f"{url} answers; looking at it for {minutes:g} minutes")
        glance.see(minutes, public.areas.boxes if public.areas else (), say)
        return _conclude(glance, public, file)


def _check(file: Path, minutes: float) -> None:
    if not 1 <= minutes <= MOST_MINUTES:
        raise LookError(f"a look takes 1 to {MOST_MINUTES} minutes, not {minutes:g}")
    if file.exists():
        raise LookError(f"{file} exists; remove it or name another file for the region")
    if not os.access(file.parent, os.W_OK | os.X_OK) or not file.parent.is_dir():
        raise LookError(f"{file.parent} is no folder that can be written to; name another file")


@dataclass(frozen=True)
class _Public:
    """What a feed says of itself beside its vehicles; why there are no areas, if there are none."""

    system: System
    vehicles_in: str | None = None
    areas: Areas | None = None
    lacks: str = "the feed publishes none"


def _public_of(url: str, manners: Manners | None) -> _Public:
    """As much of it as there is."""
    try:
        with PublicFiles(url, manners) as files:
            vehicles = urlsplit(files.vehicles_url())
            system = system_of(files)
    except (AreaError, FeedError):
        return _Public(System(None, None, None))
    name = f"{vehicles.path.rsplit('/', 1)[-1]} of {vehicles.hostname}"
    known = _Public(system, "".join(filter(str.isprintable, name)))
    # the errors' texts may hold keys, of which a region's file names the variables only
    try:
        return replace(known, areas=areas_of_feed(url, manners=manners))
    except AreaError:
        return known
    except FeedError:
        return replace(known, lacks="what the feed publishes could not be fetched; look again")


def _conclude(glance: Glance, public: _Public, file: Path) -> list[str]:
    """Seal what was seen, measure it, and write the region."""
    facts = glance.seal()
    sealed = glance.layout.sightings(NAME, glance.day)
    polls = pq.read_table(sealed / f"{NAME}.polls.parquet")
    places = _places(sealed / f"{NAME}.parquet")
    if not len(places[0]):
        raise LookError(
            f"{glance.feed.name}: none of {polls.num_rows} polls brought a vehicle, so there is "
            "nothing to say; look again at another time of the day"
        )
    edges = box_around(places)
    name = public.system.name or public.system.id or _host(glance.feed)
    areas = public.areas or _areas_seen(name, edges, public.lacks)
    found = trips_of_feed(sealed, sealed / "none", glance.feed, glance.region(areas.boxes))
    ttl = longest_ttl(polls)
    drafted = _drafted(glance.feed, public.system, name, areas, found.regime, ttl)
    verdict = Verdict(
        polls=polls,
        found=found,
        skew_s=facts["skew_seconds"],
        vehicles_in=public.vehicles_in,
        region=drafted,
        covered=_share_in(areas, places),
        edges=edges,
    )
    days = sorted({service_day_of(at, drafted.zone) for at in polls["fetched_at"].to_pylist()})
    text = draft_of(
        drafted,
        yaml_of(areas),
        [
            f"Drafted by a look at the feed, {glance.begun:%Y-%m-%d %H:%M} UTC. Read it through.",
            f"It declares what was seen then, so do not release {' and '.join(map(str, days))}.",
        ],
        _remarks(public.system, found.regime, ttl),
    )
    staged = glance.layout.root / "region.yaml"
    staged.write_text(text, encoding="utf-8")
    load_region(staged)
    write_atomically(file, text.encode())
    return [*verdict.lines(), f"service area: {areas.notes[0]}"]


def _places(sightings: Path) -> Places:
    seen = pq.read_table(sightings, columns=["latitude_e6", "longitude_e6"])
    return seen["latitude_e6"].to_numpy() / 1e6, seen["longitude_e6"].to_numpy() / 1e6


def _host(feed: Feed) -> str:
    return urlsplit(resolved_url(feed)).hostname or NAME


def _areas_seen(name: str, edges: tuple[float, float, float, float], why: str) -> Areas:
    """A box for a feed that publishes no area, which people must replace or answer for."""
    values = dict(zip(("south", "west", "north", "east"), edges, strict=True))
    box = Box.model_validate({"name": identifier_of(name) or "area", **values})
    return Areas(
        (box,),
        (
            f"a box around the vehicles of this look, from no public source: {why}",
            "put the operator's area in its place; release no day that this box was drawn from",
        ),
    )


def _share_in(areas: Areas, places: Places) -> float:
    inside = area_of(areas.boxes, places)
    return float(1 - inside.null_count / len(inside))


def _drafted(
    feed: Feed, system: System, name: str, areas: Areas, regime: IdRegime, ttl: int | None
) -> Region:
    candidates = map(identifier_of, (system.id or "", name, _host(feed)))
    identifier = next(filter(None, candidates), NAME)
    declared = declared_of(regime) or "static"
    guarantee = Guarantee()
    if regime.in_ride_visible and declared == "static":
        guarantee = Guarantee(unit="vehicle_day", max_trips_per_vehicle=4, adjacency="add_remove")
    changes = {"id": identifier, "id_regime": declared, "poll_seconds": poll_seconds(ttl)}
    return Region(
        id=identifier,
        name=name,
        time_zone=system.time_zone or "Etc/UTC",
        service_area=areas.boxes,
        feeds=(feed.model_copy(update=changes),),
        guarantee=guarantee,
    )


def _remarks(system: System, regime: IdRegime, ttl: int | None) -> dict[str, str]:
    """What a person should know of single settings."""
    remarks = {
        "poll_seconds": "the feed gives no ttl" if ttl is None else f"the feed's ttl is {ttl} s",
        "id_regime": "seen in this look; a day that is not released tells more",
    }
    if declared_of(regime) is None:
        remarks["id_regime"] = "NOT KNOWN YET: collect a day that is not released"
    if system.time_zone is None:
        remarks["time_zone"] = "NOT KNOWN: put the city's IANA time zone here"
    if regime.in_ride_visible:
        remarks["guarantee"] = "vehicles are shown while they are ridden: one ride, several trips"
    return remarks
