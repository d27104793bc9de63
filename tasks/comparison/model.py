"""The pydantic model of a comparison study, which is also the parameter form in the Prefect UI."""

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tasks.region.model import Identifier
from tasks.region.settings import Settings
from tasks.tables.columns import Column
from tasks.tables.settings import CharLstm
from tasks.tables.table import PublicTable

FigureName = Literal[
    "loss",
    "held_out_loss",
    "accuracy",
    "held_out_accuracy",
    "accuracy_lost",
    "valid",
    "identical_rows",
    "replays_of_training_rows",
    "replays_of_held_out_rows",
    "replays_of_canaries",
    "canaries_replayed",
    "exposure",
    "unseen_exposure",
    "exposure_p_value",
    "distance_1",
    "distance_5",
    "distance_50",
    "held_out_distance_1",
    "held_out_distance_5",
    "held_out_distance_50",
    "epsilon",
    "noise_multiplier",
    "seconds_an_epoch",
    "rows_a_second",
]
"""What is measured of a configuration; `tasks.study.figures` says each in words."""


class RowsFile(Settings):
    """Rows of a file: they are taken to be private."""

    kind: Literal["file"] = Field("file", description="Rows of a CSV or Parquet file.")
    path: str | None = Field(
        None,
        description="The file: a full path, or relative to the study's file. `--data` names "
        "another.",
    )


class SimulatedRows(Settings):
    """Rows of a simulator, which are nobody's."""

    kind: Literal["simulated"] = Field(
        "simulated", description="Rows of a simulator, which are nobody's."
    )
    simulator: Literal["ratings", "incomes"] = Field("ratings", description="Which one.")
    rows: int = Field(20_000, ge=100, le=10_000_000, description="How many rows it makes.")


Rows = Annotated[RowsFile | SimulatedRows, Field(discriminator="kind")]


class _Law(Settings):
    """What the laws of canaries have in common."""

    columns: tuple[Column, ...] = Field(
        (),
        description="Columns of the table that canaries are drawn from in the place of the "
        "schema's, to hold fewer values, such as texts of one length only.",
    )


class UniformLaw(_Law):
    """Canaries of any table: every value of the schema is equally likely."""

    kind: Literal["uniform"] = Field(
        "uniform", description="Every column is drawn uniformly from its schema."
    )


class GridLaw(_Law):
    """Canaries of any area: neighbouring nodes of a grid over it, both moved at random."""

    kind: Literal["grid"] = Field(
        "grid",
        description="A canary leads from a node of a grid over an area to the next node north, "
        "both ends moved at random; the other columns are drawn uniformly from their schema.",
    )
    south: float = Field(ge=-90, le=90, description="Southern edge, degrees of latitude.")
    west: float = Field(ge=-180, le=180, description="Western edge, degrees of longitude.")
    north: float = Field(ge=-90, le=90, description="Northern edge, degrees of latitude.")
    east: float = Field(ge=-180, le=180, description="Eastern edge, degrees of longitude.")
    nodes: int = Field(30, ge=2, le=1000, description="Nodes along each side of the area.")
    noise_m: float = Field(
        500.0, ge=0, le=100_000, description="How far an end is moved at most, north and east, m."
    )
    origin: tuple[str, str] = Field(
        ("origin_latitude", "origin_longitude"),
        description="The columns of latitude and longitude where a trip begins.",
    )
    destination: tuple[str, str] = Field(
        ("destination_latitude", "destination_longitude"), description="Those of where it ends."
    )

    @model_validator(mode="after")
    def _is_an_area(self) -> Self:
        if self.south >= self.north or self.west >= self.east:
            raise ValueError("the area is empty; south is under north, west under east")
        return self


class Canaries(Settings):
    """Rows that are no rows of the table, planted among those of the training."""

    number: int = Field(100, ge=1, le=10_000, description="How many are planted.")
    file: str | None = Field(
        None,
        description="A file of the canaries to plant, in the place of drawn ones. `--canaries` "
        "names another.",
    )
    law: Annotated[UniformLaw | GridLaw, Field(discriminator="kind")] = Field(
        default_factory=UniformLaw,
        description="What canaries are drawn by, and what they are ranked among.",
    )
    candidates: int = Field(
        2000, ge=10, le=1_000_000, description="Rows of the same law that each is ranked among."
    )


class TripDistance(Settings):
    """The distance of two trips in metres: both ends, and the hour as a length."""

    kind: Literal["trips"] = Field(
        "trips", description="Metres between both ends, and between the hours as a length."
    )
    hour: str = Field("hour", description="The column of the hour, 0 to 24.")
    hour_m: float = Field(1000.0, ge=0, le=1e6, description="Metres that one hour counts for.")
    origin: tuple[str, str] = Field(
        ("origin_latitude", "origin_longitude"),
        description="The columns of latitude and longitude where a trip begins.",
    )
    destination: tuple[str, str] = Field(
        ("destination_latitude", "destination_longitude"), description="Those of where it ends."
    )


class MixedDistance(Settings):
    """The distance of two rows of any table, 0 to 1."""

    kind: Literal["mixed"] = Field(
        "mixed",
        description="The mean over the columns: of numbers and dates the difference over their "
        "range in the training rows, of others 0 where they are the same and 1 where they are not.",
    )


class TrainingGuarantee(Settings):
    """What makes a training private. It charges no account: nothing of a study is published."""

    epsilon: float = Field(gt=0, le=10, description="Privacy loss of one row.")
    delta: float = Field(gt=0, lt=1e-4, description="Probability that the loss exceeds epsilon.")


class Configuration(Settings):
    """One way to train."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", description="Its name in tables, such as C1."
    )
    synthesizer: CharLstm = Field(
        default_factory=CharLstm, description="The network and its training."
    )
    guarantee: TrainingGuarantee | None = Field(
        None, description="Trains by DP-SGD under it. Default: without privacy."
    )
    note: str | None = Field(None, description="What the page says of it, such as what is smaller.")
    against: str | None = Field(
        None, description="The configuration whose accuracy this one's is taken from."
    )
    published: dict[FigureName, float] = Field(
        default_factory=dict, description="Figures published elsewhere, to stand beside."
    )


class Filters(Settings):
    """Filters on generated rows that look at the training rows.

    What they let through is not private: they exist in a study only.
    """

    similar_share: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="The similarity filter drops rows as near to a training row as this share of "
        "the held-out rows is.",
    )
    outlying_share: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="The outlier filter drops rows as far from the training rows around them as "
        "this share of the held-out rows is.",
    )
    neighbours: int = Field(
        10, ge=1, le=1000, description="The training row that counts for that, by nearness."
    )


class Repetition(Settings):
    """A secret planted more and more often, with and without privacy, and filters."""

    copies: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (1, 10, 100, 1000, 2900), min_length=1, description="How often the secret is planted."
    )
    synthesizer: CharLstm = Field(
        default_factory=CharLstm, description="The network and its training."
    )
    guarantee: TrainingGuarantee = Field(description="Of the trainings with privacy.")
    generated_rows: int = Field(
        12_000, ge=1, le=10_000_000, description="Rows generated after each training."
    )
    filters: Filters = Field(default_factory=Filters, description="What else is tried on them.")
    note: str | None = Field(None, description="What the page says of it, such as what is smaller.")


class Study(Settings):
    """A comparison study. What it finds is computed from the rows, so it is never published."""

    name: Identifier
    table: PublicTable = Field(description="The schema of the table.")
    data: Rows = Field(default_factory=RowsFile, description="Its rows.")
    training_rows: int = Field(
        5800, ge=20, le=10_000_000, description="Rows of a training, canaries included."
    )
    held_out_rows: int = Field(
        5800, ge=20, le=10_000_000, description="Further rows, that no training sees."
    )
    canaries: Canaries = Field(
        default_factory=Canaries, description="Rows planted among those of the training."
    )
    configurations: tuple[Configuration, ...] = Field(
        min_length=1, description="What is compared, in the order of the page."
    )
    generated_rows: int = Field(
        12_000, ge=1, le=10_000_000, description="Rows generated by each configuration."
    )
    distance: Annotated[MixedDistance | TripDistance, Field(discriminator="kind")] = Field(
        default_factory=MixedDistance, description="How far two rows are apart."
    )
    repetition: Repetition | None = Field(
        None, description="A secret planted more and more often. Default: not tried."
    )
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (1,),
        min_length=1,
        description="Each training runs once for every seed, which draws its rows and canaries.",
    )

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> Self:
        counted = Counter(each.name for each in self.configurations)
        if twice := [name for name, times in counted.items() if times > 1]:
            raise ValueError(f"configurations: {twice[0]} stands twice; name each once")
        for each in self.configurations:
            if each.against is not None and each.against not in counted:
                raise ValueError(
                    f"configurations: {each.name} is against {each.against!r}, which is none of "
                    f"{', '.join(counted)}"
                )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: one stands twice; name each once")
        return self

    @model_validator(mode="after")
    def _rows_are_enough(self) -> Self:
        if self.canaries.number > self.training_rows // 2:
            raise ValueError(
                f"{self.canaries.number} canaries are more than half of {self.training_rows} "
                "training rows; plant fewer"
            )
        if self.repetition is not None:
            most = max(self.repetition.copies)
            if most > self.training_rows // 2:
                raise ValueError(
                    f"repetition: {most} copies are more than half of {self.training_rows} "
                    "training rows; plant fewer"
                )
            if len(set(self.repetition.copies)) < len(self.repetition.copies):
                raise ValueError("repetition: a number of copies stands twice; name each once")
        return self

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        names = [column.name for column in self.table.columns]
        asked = [column.name for column in self.canaries.law.columns]
        for settings in (self.distance, self.canaries.law):
            if isinstance(settings, TripDistance):
                asked.append(settings.hour)
            if isinstance(settings, TripDistance | GridLaw):
                asked += [*settings.origin, *settings.destination]
        if missing := [name for name in asked if name not in names]:
            raise ValueError(
                f"the table has no column {missing[0]!r}; its columns are {', '.join(names)}"
            )
        return self
