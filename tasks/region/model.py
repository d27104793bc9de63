"""The pydantic model of a region, which is also the parameter form in the Prefect UI."""

import os
import re
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from tasks.region.guarantee import Guarantee
from tasks.region.one_line import one_line
from tasks.region.polygons import Polygon, edges_of, fault_of
from tasks.region.settings import Settings

Identifier = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="Lower-case letters, digits, - and _; it becomes a folder name.",
    ),
]

Line = Annotated[str, AfterValidator(one_line)]

NARROWEST, WIDEST = 0.01, 5.0
"""Degrees that a part of the service area spans; one much wider has more places than can be
counted, and nobody rides across it."""

_FOLDERS = ("studies", "tables")
"""Of the private ground, where a region's would lie."""
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"unknown time zone {name!r}; use an IANA name such as Europe/Berlin")
    return name


class Box(Settings):
    """A part of the service area: a rectangle in degrees, or the polygons in it; edges included."""

    name: Identifier
    south: float = Field(ge=-85, le=85, description="Southern edge, degrees of latitude.")
    west: float = Field(ge=-180, le=180, description="Western edge, degrees of longitude.")
    north: float = Field(ge=-85, le=85, description="Northern edge, degrees of latitude.")
    east: float = Field(ge=-180, le=180, description="Eastern edge, degrees of longitude.")
    polygons: tuple[Polygon, ...] = Field(
        (),
        description="The polygons within the box that are served, as the coordinates of a GeoJSON "
        "MultiPolygon: of each polygon the outline and then its holes, positions as [longitude, "
        "latitude]. The edges of the box may then be left out. In place of `polygons`, `file` "
        "names a GeoJSON file beside the region's. Default: all of the box.",
    )

    @model_validator(mode="before")
    @classmethod
    def _edges_may_follow_from_polygons(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("polygons"):
            return values
        try:
            edges = edges_of(values["polygons"])
        except (TypeError, ValueError, IndexError):
            return values  # the polygons are no coordinates, which is said where they are checked
        return dict(zip(("south", "west", "north", "east"), edges, strict=True)) | values

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """South, west, north and east, degrees."""
        return self.south, self.west, self.north, self.east

    @model_validator(mode="after")
    def _has_a_possible_size(self) -> Self:
        spans = self.north - self.south, self.east - self.west
        if min(spans) < NARROWEST:
            raise ValueError(
                f"service area {self.name!r} must span at least {NARROWEST} degrees "
                "from south to north and from west to east"
            )
        if max(spans) > WIDEST:
            raise ValueError(
                f"service area {self.name!r} spans {max(spans):.3g} degrees, more than {WIDEST:g}; "
                "make areas of its parts, also of those on either side of longitude 180"
            )
        fault = fault_of(self.polygons, self.edges) if self.polygons else None
        if fault is not None:
            raise ValueError(f"service area {self.name!r}: {fault}")
        return self


class Feed(Settings):
    """One GBFS system's vehicle-status endpoint."""

    id: Identifier
    url: Line | None = Field(
        None,
        title="URL",
        description="URL of the discovery file (gbfs.json), of gbfs_versions.json or "
        "manifest.json, or of the vehicle feed itself. ${NAME} stands for an environment "
        "variable. Needed unless `system` is set.",
    )
    system: Line | None = Field(
        None,
        min_length=1,
        max_length=255,
        description="Id of the system in the catalogue of systems, instead of a URL; or in the "
        "manifest.json that the URL names.",
    )
    catalogue: str | None = Field(
        None,
        description="The catalogue of systems, a CSV: path or URL. Default: systems.csv in the "
        "data folder if it is there, else that of MobilityData on the web.",
    )
    language: str | None = Field(
        None,
        max_length=35,
        description="Preferred language where the discovery file lists several; then en, then "
        "the first.",
    )
    source: Line | None = Field(
        None,
        description="The system whose vehicles the feed shows; feeds that republish one fleet "
        "share a source, and so one privacy account. Default: the URL as written.",
    )
    poll_seconds: int = Field(60, ge=10, le=3600, description="Time between two polls, seconds.")
    clock: Literal["wall", "feed"] = Field(
        "wall", description="`feed`: take the time from a replay server on loopback; never sleep."
    )
    id_regime: Literal["static", "per_trip", "per_poll", "periodic"] = Field(
        "static",
        description="How the feed names its vehicles, known from a burn-in that is never "
        "released. Trips are derived from `static` ids only.",
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="HTTP headers for authentication: header name to environment variable name.",
    )
    query: dict[str, str] = Field(
        default_factory=dict,
        description="Query keys for authentication: key name to environment variable name.",
    )
    allow_hosts: tuple[str, ...] = Field(
        (),
        description="Hosts that the feed may lead to though their addresses are private.",
    )

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if self.url is None and self.system is None:
            raise ValueError("a feed needs a url, or the id of its system as `system`")
        return self

    @property
    def name(self) -> str:
        """The feed as messages name it: its id, and where it is from as the file writes it."""
        return f"feed {self.id!r} ({self.url or f'system {self.system}'})"

    @property
    def account(self) -> str:
        """The source system whose privacy account this feed's trips charge."""
        return self.source or self.url or f"system {self.system}"

    def resolved_url(self) -> str:
        """The URL with every ${NAME} replaced from the environment.

        Raises:
            KeyError: If a variable is not set; its name is the exception's argument.
        """
        return _VARIABLE.sub(lambda match: os.environ[match[1]], self.url or "")


class Capture(Settings):
    """What a day's collection must have seen for its release to be published."""

    min_coverage: float = Field(
        0.8, ge=0, le=1, description="Share of the service day's due polls that were answered."
    )


class TripRules(Settings):
    """Public constants of the per-row rules that make a move a trip."""

    max_speed_kmh: float = Field(
        50,
        gt=0,
        le=300,
        title="Max Speed, km/h",
        description="A faster straight line is impossible.",
    )
    max_gap_minutes: float = Field(
        15,
        gt=0,
        le=1440,
        description="A move during which the feed was not seen for longer is no trip.",
    )
    min_duration_s: float = Field(
        0,
        title="Min Duration, Seconds",
        ge=0,
        le=3600,
        description="A shorter move is no trip. Default: none is too short, since a ride between "
        "two polls may look as short as one likes, and `max_speed_kmh` bounds the rest.",
    )
    max_duration_minutes: float = Field(
        1440,
        gt=0,
        le=2880,
        description="A longer move is no trip. Default: a day, since who is away for longer was "
        "not ridden all that time; what a day tells apart is left to the region.",
    )
    max_range_gain_m: float = Field(
        2000,
        title="Max Range Gain, Metres",
        ge=0,
        le=10_000_000,
        description="A move on which the vehicle's range grew by more metres is a service move, "
        "no trip. Default: more than an estimate wavers, less than any charge or battery adds.",
    )
    min_per_day: int = Field(
        500, ge=1, description="A day with fewer trips is refused: noise would drown it."
    )
    max_per_day: int = Field(
        10_000, ge=1, description="Cap N on the trips of a day; delta is at most 0.01 / N."
    )


class TripField(Settings):
    """Settings of the synthesizer `trip_field`; all of them are public, none affects privacy."""

    name: Literal["trip_field"] = Field(
        "trip_field",
        description="Measures noisy counts once and fits a density of hour, origin and "
        "destination to them.",
    )
    steps: int = Field(
        400, ge=1, le=100_000, description="Steps of the fit; it sees noisy counts only."
    )


class TripNet(Settings):
    """Settings of the synthesizer `trip_net`; all of them are public and affect privacy."""

    name: Literal["trip_net"] = Field("trip_net", description="A network trained by DP-SGD.")
    levels: int = Field(3, ge=1, le=4, description="Depth of the grid; each level splits 8 x 8.")
    hidden_units: int = Field(16, ge=8, le=1024, description="Width of the hidden layer.")
    sampling_probability: float = Field(
        0.1, gt=0, lt=1, description="Chance of each trip to enter each step (Poisson sampling)."
    )
    steps: int = Field(100, ge=1, le=100_000, description="Training steps.")
    reserve_steps: int = Field(
        10, ge=0, le=100_000, description="Further steps accounted for, for resuming after a crash."
    )
    l2_norm_clip: float = Field(1.0, gt=0, description="Bound on each trip's gradient norm.")
    optimizer: Literal["adam", "momentum", "rmsprop", "sgd"] = Field(
        "adam", description="What applies the noised gradients: Adam, momentum 0.9, RMSprop, SGD."
    )
    learning_rate: float = Field(
        0.05,
        gt=0,
        description="The optimizer's learning rate, for a day that starts from nothing; with k "
        "days before it, it is divided by k + 1, at most by 4.",
    )
    weight_averaging: float = Field(
        0.9, ge=0, lt=1, description="Weight of the past in the moving average of the weights."
    )


class TripEnds(Settings):
    """Settings of the synthesizer `trip_ends`; all of them are public, none affects privacy."""

    name: Literal["trip_ends"] = Field(
        "trip_ends",
        description="Measures noisy counts of starts and of ends once and fits a density to each.",
    )
    steps: int = Field(
        400, ge=1, le=100_000, description="Steps of the fit; it sees noisy counts only."
    )


class Snap(Settings):
    """Where vehicles stand; public, and read by what is done to synthetic rows alone."""

    file: Line = Field(
        min_length=1,
        description="Where synthetic trips begin and end: a GeoJSON file, beside the region's, of "
        "public roads (lines) and docks (points). Both ends of a trip are moved to the nearest of "
        "them. Without `snap` they stay where they were drawn.",
    )
    within_m: float = Field(
        100, ge=1, le=1000, description="An end with none of them that near stays, metres."
    )
    credit: Line | None = Field(
        None,
        min_length=1,
        max_length=500,
        description="Whose roads and docks they are, under which licence; the card says it.",
    )


TripSynthesizer = Annotated[TripField | TripNet, Field(discriminator="name")]
"""Settings of one of the synthesizers that a region chooses from."""
Synthesizer = Annotated[TripField | TripNet | TripEnds, Field(discriminator="name")]
"""Settings of one of all synthesizers, told apart by their name."""


class Region(Settings):
    """A region: where it is, which feeds it reads, what it promises, what it publishes."""

    id: Identifier
    name: Line = Field(min_length=1, max_length=200, description="Name for people.")
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        description="IANA time zone; its midnight parts the service days."
    )
    service_area: tuple[Box, ...] = Field(
        min_length=1, description="Public areas; a trip starts and ends in one of them."
    )
    feeds: tuple[Feed, ...] = Field(min_length=1, description="The feeds polled for this region.")
    shift_minutes: Literal[10, 15, 20, 30, 60, 120, 180, 240, 360, 480, 720, 1440] = Field(
        60,
        description="Length of a shift of collecting: one scheduled run. Shifts change at its "
        "multiples on the local clock.",
    )
    retention_days: int = Field(
        7,
        ge=0,
        le=3650,
        description="Days for which the raw data of a service day are kept after it was released "
        "or refused.",
    )
    retention_max_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Days after which the raw data of a service day are deleted even if it was "
        "neither released nor refused.",
    )
    capture: Capture = Field(default_factory=Capture)
    trips: TripRules = Field(default_factory=TripRules)
    guarantee: Guarantee = Field(
        default_factory=Guarantee, description="What is promised of every day that is published."
    )
    synthesizer: TripSynthesizer = Field(
        default_factory=TripField,
        description="What is made of the trips of feeds whose ids are `static`.",
    )
    snap: Snap | None = Field(
        None, description="Public roads and docks that synthetic trips begin and end at."
    )
    gpu: Literal["preferred", "required"] = Field(
        "preferred",
        title="GPU",
        description="What a worker without a GPU does with a training: `preferred` says so and "
        "trains on the CPU, `required` refuses before anything is charged.",
    )
    contact: str | None = Field(
        None,
        pattern=r"^[!-'*-~]{1,200}$",
        description="Where the hosts of the feeds find the people who poll them (a URL or a mail "
        "address), sent with every request.",
    )
    publisher: Line | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Who publishes the releases, as citations and catalogues name them. Default: "
        "opentrips.",
    )
    licence: Line = Field("CC-BY-4.0", description="SPDX identifier of the release's licence.")

    @model_validator(mode="after")
    def _has_a_folder_of_its_own(self) -> Self:
        if self.id in _FOLDERS:
            raise ValueError(f"id {self.id}: what belongs to no region lies there; take another")
        return self

    @model_validator(mode="after")
    def _delta_fits_the_cap(self) -> Self:
        most = 0.01 / self.trips.max_per_day
        if self.guarantee.delta > most * (1 + 1e-9):  # 0.01 has no exact binary form
            raise ValueError(
                f"guarantee.delta {self.guarantee.delta:g} is over 0.01 / trips.max_per_day = "
                f"{most:.3g}; lower one of them"
            )
        return self

    @model_validator(mode="after")
    def _retention_fits(self) -> Self:
        if self.retention_days > self.retention_max_days:
            raise ValueError(
                f"retention_days {self.retention_days} is over retention_max_days "
                f"{self.retention_max_days}; lower it, or raise the other"
            )
        return self

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for what, names in (
            ("feed id", [feed.id for feed in self.feeds]),
            ("service area name", [box.name for box in self.service_area]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"every {what} must be used once; found {names}")
        return self

    @model_validator(mode="after")
    def _feeds_show_different_fleets(self) -> Self:
        accounts: dict[str, str] = {}
        for feed in self.feeds:
            if (other := accounts.setdefault(feed.account, feed.id)) != feed.id:
                raise ValueError(
                    f"feeds {other!r} and {feed.id!r} show one fleet ({feed.account}): its trips "
                    "would count twice; keep one of the two"
                )
        return self

    @model_validator(mode="after")
    def _feeds_share_a_clock(self) -> Self:
        if len({feed.clock for feed in self.feeds}) > 1:
            raise ValueError("the feeds of a region must all have the same clock")
        return self

    @model_validator(mode="after")
    def _unit_can_be_told(self) -> Self:
        if self.yields == "ends" and self.guarantee.unit != "trip":
            raise ValueError(
                "a vehicle whose id changes cannot be followed through the day, so its trips "
                "cannot be protected together; set guarantee.unit to trip"
            )
        return self

    @property
    def yields(self) -> Literal["trips", "ends", "nothing"]:
        """What can be derived of the feeds: trips, or unlinked starts and ends of rides."""
        regimes = {feed.id_regime for feed in self.feeds}
        if regimes == {"static"}:
            return "trips"
        return "ends" if regimes == {"per_trip"} else "nothing"

    @property
    def maker(self) -> Synthesizer:
        """The synthesizer of the region's releases: where ids change, always `trip_ends`."""
        if self.yields == "trips":
            return self.synthesizer
        if isinstance(self.synthesizer, TripField):
            return TripEnds(steps=self.synthesizer.steps)
        return TripEnds()

    @property
    def clock(self) -> Literal["wall", "feed"]:
        """The clock that all feeds of the region are read by."""
        return self.feeds[0].clock

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.time_zone)
