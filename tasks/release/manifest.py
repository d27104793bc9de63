"""The public manifest: an allow-list, declared as data.

Whatever is published besides the rows passes through these models: card and page see nothing
else. A field of a private manifest becomes public only by being named here.
"""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tasks.region import Box, Guarantee, Region, TripEnds, TripField, TripNet
from tasks.release.errors import ReleaseError
from tasks.release.software import Software
from tasks.schema.polls import OUTCOMES, SEEN

ANSWERED = "answered"
"""Public outcome of a poll that was answered. Whether the answer was new or "not modified"
depends on whether any vehicle moved, and stays private."""


class _Public(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Public):
    """The region: its public name, time zone and service area."""

    id: str
    name: str
    time_zone: str
    service_area: tuple[Box, ...]


class Count(_Public):
    """The noisy count that a number of rows comes from: a discrete Laplace mechanism."""

    name: Literal["discrete_laplace"] = "discrete_laplace"
    sensitivity: int = Field(ge=1)
    numbers: int = Field(1, ge=1, description="How many numbers were counted so, each by itself.")
    scale: str = Field(pattern=r"^[1-9][0-9]*(/[1-9][0-9]*)?$")


class DpSgd(_Public):
    """Noisy sums of clipped gradients over Poisson-sampled records; all of it is public."""

    name: Literal["dp_sgd"] = "dp_sgd"
    sampling_probability: float = Field(gt=0, lt=1)
    noise_multiplier: float = Field(gt=0)
    l2_norm_clip: float = Field(gt=0)
    steps: int = Field(ge=1)
    reserve_steps: int = Field(ge=0)
    count: Count | None = Field(description="None where the number of trips is public.")


class CountedTable(_Public):
    """A table of counts: how many cells, how many a trip touches, the noise of each.

    The noise is a discrete Gaussian of parameter `sigma` on `multiplier` times the counts.
    """

    name: str
    cells: int = Field(ge=1)
    distinct: int = Field(ge=1)
    multiplier: int = Field(ge=1)
    sigma: str = Field(pattern=r"^[1-9][0-9]*(/[1-9][0-9]*)?$")


class GaussianCounts(_Public):
    """Tables of counts, measured once and all together; all of it is public."""

    name: Literal["gaussian_counts"] = "gaussian_counts"
    noise_multiplier: float = Field(gt=0)
    trips_per_unit: int = Field(ge=1)
    tables: tuple[CountedTable, ...] = Field(min_length=1)
    count: Count | None = Field(description="None where the number of trips is public.")


Mechanism = Annotated[DpSgd | GaussianCounts, Field(discriminator="name")]
"""The noisy computation."""


class Charge(_Public):
    """The charge in the ledger that paid for the release: its random name, what it charged."""

    key: str = Field(pattern="^[0-9a-f]{32}$")
    sources: tuple[str, ...] = Field(min_length=1)


class Accountant(_Public):
    """How epsilon was computed, and its value by each of two methods."""

    method: str
    epsilon_pld: float = Field(gt=0)
    epsilon_rdp: float = Field(gt=0)


class History(_Public):
    """The days that stand behind the model, as a hash chain of what was measured of them."""

    day: dt.date
    measured: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the noisy counts, or of the weights that were trained.",
    )
    days: int = Field(ge=1, description="How many, this one included.")
    link: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of this link of the chain.")
    parent: str | None = Field(
        pattern="^[0-9a-f]{64}$", description="Hash of the link before it; None for the first."
    )
    parent_day: dt.date | None


class Synthesizer(_Public):
    """The model's kind and its public settings."""

    name: str
    settings: dict[str, float | int | str]


class Revises(_Public):
    """The revision that this one takes the place of, and why."""

    revision: int = Field(ge=1)
    manifest_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    reason: str = Field(min_length=1)
    at: dt.datetime = Field(description="When the revision was made, UTC.")


class Snapping(_Public):
    """The public roads and docks that ends of rows were moved to, and how many of them were."""

    file: str = Field(description="Name of the file that they are from.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    within_m: float = Field(gt=0, description="No end was moved further, metres.")
    credit: str | None
    ends: int = Field(ge=0, description="Ends in all tables together.")
    moved: int = Field(ge=0, description="Those that lie on a road or dock now.")


class FeedCapture(_Public):
    """What was seen of one feed: polls by public outcome, coverage, gaps."""

    id: str
    poll_seconds: int
    polls: int = Field(ge=0)
    outcomes: dict[str, int]
    due: int = Field(ge=0)
    coverage: float = Field(ge=0, le=1)
    gaps: tuple[tuple[dt.datetime, dt.datetime], ...]
    longest_gap_seconds: float = Field(ge=0)


class Capture(_Public):
    """The service day as an interval, and what was seen of every feed in it."""

    start: dt.datetime
    end: dt.datetime
    feeds: tuple[FeedCapture, ...]

    @property
    def coverage(self) -> float:
        """Share of due polls that were answered, over all feeds, 0 to 1."""
        due = sum(feed.due for feed in self.feeds)
        return sum(feed.coverage * feed.due for feed in self.feeds) / due if due else 0.0


class Checks(_Public):
    """How the release was checked: expectations met, and warnings about synthetic rows."""

    expectations: int = Field(ge=0)
    warnings: tuple[str, ...]


class FileFacts(_Public):
    """Length and SHA-256 of a published file."""

    bytes: int
    sha256: str


class PublicManifest(_Public):
    """Everything that a release says about itself."""

    schema_version: Literal[1] = 1
    kind: Literal["release"] = "release"
    region: Place
    service_day: dt.date
    revision: int = Field(ge=1)
    revises: Revises | None = Field(None, description="None for the first revision.")
    rows: int = Field(ge=0, description="Rows of the first table.")
    tables: dict[str, int] = Field(min_length=1, description="Rows of each table.")
    publisher: str | None = Field(None, description="None where nobody is named.")
    licence: str
    guarantee: Guarantee
    mechanism: Mechanism
    accountant: Accountant
    charge: Charge
    synthesizer: Synthesizer
    history: History | None = Field(description="None where a model knows its own day only.")
    snapping: Snapping | None = Field(description="None where ends stay where they were drawn.")
    capture: Capture
    checks: Checks
    software: Software
    files: dict[str, FileFacts]

    @property
    def is_of_ends(self) -> bool:
        """Whether starts and ends are released that nothing links, instead of trips."""
        return "modelled_trips" in self.tables

    @model_validator(mode="after")
    def _promise_is_kept(self) -> Self:
        if (self.mechanism.count is None) != (self.guarantee.adjacency == "zero_out"):
            raise ValueError("the number of rows comes from a noisy count under add_remove only")
        unit = self.guarantee.trips_per_unit
        if self.mechanism.count is not None and self.mechanism.count.sensitivity != unit:
            raise ValueError(f"the count is noised for {self.mechanism.count.sensitivity} trips")
        if isinstance(self.mechanism, GaussianCounts) and self.mechanism.trips_per_unit != unit:
            raise ValueError(f"tables are noised for {self.mechanism.trips_per_unit} trips a unit")
        if (self.revises.revision if self.revises else 0) != self.revision - 1:
            raise ValueError(f"revision {self.revision} does not revise the one before it")
        if self.accountant.epsilon_pld > self.guarantee.epsilon * (1 + 1e-9):
            raise ValueError(
                f"the accountant's epsilon {self.accountant.epsilon_pld} is over the promised "
                f"{self.guarantee.epsilon}"
            )
        return self

    def fields(self) -> dict[str, Any]:
        """JSON values of every field but `files`, which the finished directory adds."""
        return self.model_dump(mode="json", exclude={"files"})


def public_manifest(
    region: Region,
    day: dt.date,
    *,
    rows: Mapping[str, int],
    sealed: Mapping[str, Any],
    model: Mapping[str, Any],
    checks: Mapping[str, Any],
    software: Software,
    files: Mapping[str, FileFacts],
    generated: Mapping[str, Any] = MappingProxyType({}),
) -> PublicManifest:
    """Pick what is public out of the private manifests.

    Args:
        region: The region.
        day: The service day.
        rows: Number of rows of each table; of the first n of the day under `zero_out`, else its
            noisy count.
        sealed: Private manifest of the sealed day.
        model: The stored model's `model.json`.
        checks: What `check_release` reported: `expectations` and `warnings`.
        software: Versions of the code and of the packages that matter.
        files: Length and SHA-256 of the data files.
        generated: Private manifest of the synthetic rows, for what their ends were moved to.

    Raises:
        ReleaseError: If something public is missing or out of range, or the accountant's epsilon
            is over the promised one.
    """
    try:
        return PublicManifest(
            region=Place(
                id=region.id,
                name=region.name,
                time_zone=region.time_zone,
                service_area=region.service_area,
            ),
            service_day=day,
            revision=1,
            rows=next(iter(rows.values())),
            tables=dict(rows),
            publisher=region.publisher,
            licence=region.licence,
            **_privacy_statement(model),
            snapping=snapping_of(region, generated),
            capture=_capture(region, sealed),
            checks=Checks(expectations=checks["expectations"], warnings=tuple(checks["warnings"])),
            software=software,
            files=dict(files),
        )
    except KeyError as error:
        raise ReleaseError(
            f"{region.id} {day}: a private manifest lacks {error}; make that step again"
        ) from error
    except ValidationError as error:
        raise ReleaseError(
            f"{region.id} {day}: cannot publish: {_first_fault(error)}"
        ) from None  # the cause would show private values


def revised_manifest(
    before: PublicManifest,
    revises: Revises,
    *,
    region: Region,
    rows: Mapping[str, int],
    model: Mapping[str, Any],
    checks: Checks,
    software: Software,
    files: Mapping[str, FileFacts],
    snapping: Snapping | None,
) -> PublicManifest:
    """The manifest of a revision: the same day, the same model, the same charge.

    Args:
        before: The manifest of the revision before.
        revises: Its hash, and the reason.
        region: The region, for its name, licence and publisher.
        rows: Number of rows of each table.
        model: The stored model's `model.json`.
        checks: How the rows were checked.
        software: Versions of the code that made the revision.
        files: Length and SHA-256 of the data files.
        snapping: What the ends of the rows were moved to.

    Raises:
        ReleaseError: If the stored model is not the one that the revision before was made from.
    """
    where = f"{before.region.id} {before.service_day}"
    try:
        statement = _privacy_statement(model)
        if any(getattr(before, name) != value for name, value in statement.items()):
            raise ReleaseError(
                f"{where}: the stored model is not the one that r{before.revision} was made from; "
                "restore it from a backup"
            )
        changes = {
            "revision": before.revision + 1,
            "revises": revises,
            "region": before.region.model_copy(update={"name": region.name}),
            "rows": next(iter(rows.values())),
            "tables": dict(rows),
            "licence": region.licence,
            "publisher": region.publisher,
            "snapping": snapping,
            "checks": checks,
            "software": software,
            "files": dict(files),
        }
        return PublicManifest.model_validate(dict(before) | changes)
    except KeyError as error:
        raise ReleaseError(f"{where}: the model's statement lacks {error}; train again") from error
    except ValidationError as error:
        raise ReleaseError(f"{where}: cannot revise: {_first_fault(error)}") from None


def parse_public_manifest(content: bytes, where: str) -> PublicManifest:
    """A published manifest from its bytes.

    Args:
        content: The bytes.
        where: Where they lie, for people.

    Raises:
        ReleaseError: If they are no release's manifest of this version.
    """
    try:
        return PublicManifest.model_validate_json(content)
    except ValidationError as error:
        raise ReleaseError(
            f"{where}: no release's manifest of this version: {_first_fault(error)}"
        ) from None


def _first_fault(error: ValidationError) -> str:
    """The first thing that is wrong, and where, without the value."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "manifest"
    return f"{where}: {first['msg']}"


def _privacy_statement(model: Mapping[str, Any]) -> dict[str, BaseModel | None]:
    """What the model's own statement says that is public."""
    privacy, settings = model["privacy"], model["synthesizer"]
    return {
        "guarantee": Guarantee(**{name: privacy[name] for name in Guarantee.model_fields}),
        "mechanism": _mechanism(privacy),
        "accountant": Accountant(
            method=privacy["accountant"],
            epsilon_pld=privacy["epsilon_pld"],
            epsilon_rdp=privacy["epsilon_rdp"],
        ),
        "history": History(**privacy["history"]) if privacy["history"] else None,
        "charge": Charge(**{name: privacy["charge"][name] for name in Charge.model_fields}),
        "synthesizer": Synthesizer(
            name=settings["name"],
            settings={name: settings[name] for name in _SETTINGS[settings["name"]]},
        ),
    }


def snapping_of(region: Region, generated: Mapping[str, Any]) -> Snapping | None:
    """What ends of rows were moved to, if they were, by the manifest of the synthetic rows."""
    if (ways := generated.get("ways")) is None:
        return None
    return Snapping(
        **{name: ways[name] for name in ("file", "sha256", "within_m")},
        credit=region.snap.credit if region.snap else None,
        ends=generated["ends"]["all"],
        moved=generated["ends"]["moved"],
    )


def _mechanism(privacy: Mapping[str, Any]) -> DpSgd | GaussianCounts:
    ran = privacy["mechanism"]
    kind = _MECHANISMS[ran["name"]]
    named = {name: ran[name] for name in kind.model_fields if name != "count"}
    return kind(**named, count=privacy["count"])


_MECHANISMS: dict[str, type[DpSgd | GaussianCounts]] = {
    "dp_sgd": DpSgd,
    "gaussian_counts": GaussianCounts,
}
_SETTINGS = {
    kind.model_fields["name"].default: [name for name in kind.model_fields if name != "name"]
    for kind in (TripField, TripNet, TripEnds)
}


def _capture(region: Region, sealed: Mapping[str, Any]) -> Capture:
    return Capture(
        start=sealed["start"],
        end=sealed["end"],
        feeds=tuple(
            _feed_capture(feed.id, feed.poll_seconds, sealed["feeds"][feed.id])
            for feed in region.feeds
        ),
    )


def _feed_capture(feed: str, poll_seconds: int, facts: Mapping[str, Any]) -> FeedCapture:
    counted = {name: int(facts["outcomes"].get(name, 0)) for name in OUTCOMES}
    answered = sum(counted.pop(name) for name in SEEN)
    return FeedCapture(
        id=feed,
        poll_seconds=poll_seconds,
        polls=facts["polls"],
        outcomes={ANSWERED: answered, **{name: n for name, n in counted.items() if n}},
        due=facts["due"],
        coverage=facts["coverage"],
        gaps=facts["gaps"],
        longest_gap_seconds=facts["longest_gap_seconds"],
    )
