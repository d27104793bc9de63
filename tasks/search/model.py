"""The pydantic model of a search, which is also the parameter form in the Prefect UI."""

from collections import Counter
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, JsonValue, ValidationError, model_validator

from tasks.region.model import Identifier, TripField, TripNet
from tasks.region.settings import Settings
from tasks.region.yaml_file import faults
from tasks.tables import CharLstm

PRIVACY = ("epsilon", "noise_multiplier")
"""What is searched besides the synthesizer's own settings; either follows from the other."""
SEARCHABLE: list[JsonValue] = [
    *sorted(
        ({*TripNet.model_fields} | {*TripField.model_fields} | {*CharLstm.model_fields})
        - {"name", "well_formed_only"}
    ),
    *PRIVACY,
]
"""Every setting that some synthesizer can be searched for; rows are judged as they are drawn, so
that well-formed ones alone tell nothing."""
MOST_RUNS = 10_000

Value = int | float | str
SearchedSettings = TripField | TripNet | CharLstm
TripFigure = Literal[
    "pairs_5km", "pairs_1km", "origins_1km", "destinations_1km", "hour_origins_5km"
]
"""Figures of `tasks.quality.metrics.Closeness` that are total variation distances, 0 to 1."""
TableFigure = Literal["columns", "column_pairs"]
"""Of any table, 0 to 1: 1 less the mean similarity of columns, and of pairs of columns; see
`tasks.quality.fields` and `tasks.quality.trends`."""
Figure = TripFigure | TableFigure


class Simulated(Settings):
    """Days of simulated cities: nobody's trips."""

    kind: Literal["simulated"] = Field(
        "simulated", description="Days of simulated cities, which are nobody's trips."
    )
    cities: tuple[Literal["gravity", "tours", "transit", "river"], ...] = Field(
        ("gravity", "tours"),
        min_length=1,
        description="The cities: ten areas and destinations by attraction and distance "
        "(`gravity`), riders who go on from where they arrived (`tours`), trips to and from "
        "stations (`transit`), two banks and three bridges (`river`).",
    )
    trips: int = Field(5_000, ge=100, le=1_000_000, description="Trips of every day.")

    @property
    def sources(self) -> tuple[str, ...]:
        """What days are made of, by name."""
        return self.cities


class Released(Settings):
    """Days that are published: their rows are differentially private already."""

    kind: Literal["released"] = Field(
        "released",
        description="Published days, whose rows are differentially private already. Never trips "
        "themselves.",
    )
    releases: tuple[str, ...] = Field(
        min_length=1,
        description="Folders of published revisions, such as `/srv/data/releases/demo/2026-05-20/"
        "r1`: full paths, or relative to the search's file.",
    )

    @property
    def sources(self) -> tuple[str, ...]:
        """The folders."""
        return self.releases


class Tabled(Settings):
    """Simulated tables: nobody's rows."""

    kind: Literal["table"] = Field(
        "table", description="Simulated tables, which are nobody's rows; for `char_lstm`."
    )
    tables: tuple[Literal["ratings", "incomes"], ...] = Field(
        ("ratings",),
        min_length=1,
        description="The tables: ratings of movies (`ratings`), people at work (`incomes`).",
    )
    rows: int = Field(5_000, ge=100, le=1_000_000, description="Rows of every table.")

    @property
    def sources(self) -> tuple[str, ...]:
        """The tables' names."""
        return self.tables


Data = Annotated[Simulated | Released | Tabled, Field(discriminator="kind")]


class Axis(Settings):
    """One setting and the values that are tried."""

    setting: str = Field(
        description="A setting of the synthesizer; or `epsilon`, for which the noise is solved; or "
        "`noise_multiplier`, of which epsilon follows.",
        json_schema_extra={"enum": SEARCHABLE},
    )
    values: tuple[Value, ...] = Field(
        description="The values, in the order in which they are taken; at least one."
    )

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if not self.values:
            raise ValueError(f"{self.setting} has no values; name those to try")
        return self


class Stage(Settings):
    """Settings that are varied together, and which of them goes into the next stage."""

    axes: tuple[Axis, ...] = Field(
        min_length=1, description="Every value of each is tried with every value of the others."
    )
    choose: Literal["best", "last_valid"] = Field(
        "best",
        description="What goes into the next stage: `best`: the highest utility. `last_valid`, of "
        "one setting only: the last value before a run first ends with fewer valid rows than "
        "`least_valid`, to take a clip down or noise up as far as rows stay valid.",
    )

    @model_validator(mode="after")
    def _axes_go_together(self) -> Self:
        names = Counter(axis.setting for axis in self.axes)
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            raise ValueError(f"{twice[0]} stands twice in one stage; put its values together")
        if set(PRIVACY) <= names.keys():
            raise ValueError(
                "epsilon and noise_multiplier follow from each other; put one of them in a stage"
            )
        if self.choose == "last_valid" and len(self.axes) > 1:
            raise ValueError(
                "choose: last_valid goes along the values of one setting; make a stage of each"
            )
        return self


class Rejection(Settings):
    """When a run is stopped early: of rows drawn after a first part of its steps few are trips.

    A trip is valid as `tasks.quality.validity` has it: it moves over 100 m inside a service area,
    near places that trips use. A line of a table is valid if its schema reads it.
    """

    share_of_steps: float = Field(
        0.2, gt=0, lt=1, description="Part of a run's steps after which it is judged."
    )
    rows: int = Field(1_000, ge=50, le=100_000, description="Rows drawn to judge it.")
    least_valid: float = Field(
        0.3, ge=0, le=1, description="A run with a lower share of valid rows by then is stopped."
    )


class Search(Settings):
    """A search over settings of a synthesizer; all of it is public."""

    name: Identifier
    data: Data = Field(
        default_factory=Simulated,
        description="What the runs are made of. Private days are never searched on: what is "
        "chosen would tell of them.",
    )
    synthesizer: Annotated[SearchedSettings, Field(discriminator="name")] = Field(
        default_factory=TripNet,
        description="The synthesizer, and the settings that every stage keeps unless it varies "
        "them.",
    )
    epsilon: float | None = Field(
        1.0,
        gt=0,
        le=10,
        description="Privacy loss of a run, unless a stage varies it; of `char_lstm` it may be "
        "null: no noise, no guarantee.",
    )
    delta: float = Field(
        1e-6, gt=0, lt=1e-4, description="Probability that the loss exceeds epsilon."
    )
    stages: tuple[Stage, ...] = Field(
        min_length=1,
        description="One stage is a free grid; of several, each begins with what the one before "
        "it chose.",
    )
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (1,),
        min_length=1,
        description="Each setting runs once for every day and seed: of a simulated city the seed "
        "draws the day. Noise is fresh in every run.",
    )
    figures: tuple[Figure, ...] = Field(
        ("pairs_5km", "origins_1km", "destinations_1km", "hour_origins_5km"),
        min_length=1,
        description="The distances that utility is made of: it is 1 less their mean. Of a table "
        "take `columns` and `column_pairs`, of trips the others.",
    )
    rejection: Rejection = Field(
        default_factory=Rejection, description="When a run is stopped early."
    )
    least_valid: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Settings are chosen only if in each of their runs this share of the rows, or "
        "more, are valid in the end.",
    )
    parallel: int = Field(2, ge=1, le=512, description="How many runs go on at a time.")
    runner: Literal["processes", "threads", "dask"] = Field(
        "processes",
        description="What runs them: processes or threads of this machine; `dask`: a Dask cluster "
        "whose workers share this machine's data folder. It needs the package prefect-dask.",
    )
    scheduler: str | None = Field(
        None,
        description="Address of the Dask scheduler, such as `tcp://HOST:8786`. Default: a cluster "
        "of this machine's own.",
    )

    @model_validator(mode="after")
    def _synthesizer_fits_the_data(self) -> Self:
        of_table, name = isinstance(self.data, Tabled), self.synthesizer.name
        if of_table != isinstance(self.synthesizer, CharLstm):
            other = "trip_net or trip_field" if not of_table else "char_lstm"
            raise ValueError(
                f"{name} does not learn from data of kind {self.data.kind}; {other} does"
            )
        figures = get_args(TableFigure if of_table else TripFigure)
        strange = [figure for figure in self.figures if figure not in figures]
        if strange:
            raise ValueError(
                f"figures: {strange[0]} is none of data of kind {self.data.kind}; take "
                + ", ".join(figures)
            )
        if self.epsilon is None and not of_table:
            raise ValueError(f"epsilon: {name} is not trained without a guarantee; give a number")
        return self

    @model_validator(mode="after")
    def _every_value_is_a_setting(self) -> Self:
        for stage in self.stages:
            for axis in stage.axes:
                for value in axis.values:
                    self._refuse_wrong(axis.setting, value)
        return self

    @model_validator(mode="after")
    def _has_a_possible_size(self) -> Self:
        for field in ("seeds", "figures"):
            if len(set(getattr(self, field))) < len(getattr(self, field)):
                raise ValueError(f"{field}: one stands twice; name each once")
        if len(set(self.data.sources)) < len(self.data.sources):
            raise ValueError("data: one day stands twice; name each once")
        if self.runs > MOST_RUNS:
            raise ValueError(
                f"the stages are {self.runs:,} runs, more than {MOST_RUNS:,}; take fewer values, "
                "or search in stages"
            )
        if self.scheduler is not None and self.runner != "dask":
            raise ValueError("scheduler is an address of Dask; set runner: dask, or remove it")
        return self

    def _refuse_wrong(self, setting: str, value: Value) -> None:
        """A value that the synthesizer, or the search, would not take as its own."""
        name = self.synthesizer.name
        fields = type(self.synthesizer).model_fields
        own = [key for key in fields if key in SEARCHABLE]
        if setting == "noise_multiplier":
            if not isinstance(value, int | float) or not 0.3 <= value <= 100_000:
                raise ValueError(f"noise_multiplier {value!r}: it is a number of 0.3 to 100,000")
        elif setting == "epsilon":
            if not isinstance(value, int | float) or not 0 < value <= 10:
                raise ValueError(f"epsilon {value!r}: it is a number over 0, at most 10")
        elif setting not in own:
            raise ValueError(
                f"{name} has no setting {setting!r}; searched can be {', '.join([*own, *PRIVACY])}"
            )
        else:
            try:
                self.with_setting(setting, value)
            except ValidationError as error:
                raise ValueError(f"{name}.{faults(error)}") from error

    def with_setting(self, setting: str, value: Any) -> SearchedSettings:
        """The synthesizer's settings with one of them changed.

        Raises:
            ValidationError: If the value is none for it.
        """
        return type(self.synthesizer).model_validate(
            {**self.synthesizer.model_dump(), setting: value}
        )

    @property
    def runs(self) -> int:
        """How many runs there are at most."""
        total = 0
        for stage in self.stages:
            settings = 1
            for axis in stage.axes:
                settings *= len(axis.values)
            total += settings
        return total * len(self.data.sources) * len(self.seeds)
