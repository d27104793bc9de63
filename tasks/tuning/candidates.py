"""Candidates: the settings that a stage of a search tries, and the noise of each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

from tasks.privacy.accountant import NOISE_RANGE
from tasks.search import PRIVACY, Data, Search, SearchedSettings, SearchError, Stage
from tasks.tuning.tuned import tuned

_HARDEST: Mapping[str, Callable[[Iterable[Any]], Any]] = {
    "epsilon": min,
    "steps": max,
    "reserve_steps": max,
    "sampling_probability": max,
    "epochs": max,
    "batch": max,
}
"""Which value of a setting needs most noise."""


@dataclass(frozen=True)
class Candidate:
    """Settings, and either epsilon or the noise, of which the other follows.

    Attributes:
        settings: The synthesizer's.
        given: Which of the two is given.
        value: Its value; no epsilon is no noise and no guarantee.
        delta: Probability that the loss exceeds epsilon.
        data: What its runs are made of.
    """

    settings: SearchedSettings
    given: Literal["epsilon", "noise_multiplier"]
    value: float | None
    delta: float
    data: Data

    @classmethod
    def first(cls, search: Search) -> "Candidate":
        """What a search begins with."""
        return cls(search.synthesizer, "epsilon", search.epsilon, search.delta, search.data)

    def changed(self, changes: Mapping[str, Any]) -> "Candidate":
        """The candidate with some settings changed.

        Raises:
            ValidationError: If the settings do not go together.
        """
        own = {name: value for name, value in changes.items() if name not in PRIVACY}
        values = {**self.settings.model_dump(), **own}
        candidate = replace(self, settings=type(self.settings).model_validate(values))
        if "epsilon" in changes:
            return replace(candidate, given="epsilon", value=float(changes["epsilon"]))
        if "noise_multiplier" in changes:
            noise = float(changes["noise_multiplier"])
            return replace(candidate, given="noise_multiplier", value=noise)
        return candidate

    @property
    def noise_multiplier(self) -> float | None:
        """The noise: given, or the least that keeps epsilon; None without a guarantee.

        Raises:
            TargetUnreachableError: If none does.
        """
        if self.given == "noise_multiplier" or self.value is None:
            return self.value
        return tuned(self.settings, self.data).noise_for(self.value, self.delta)

    @property
    def epsilon(self) -> float | None:
        """The privacy loss: given, or what the noise costs; None without a guarantee."""
        if self.given == "epsilon" or self.value is None:
            return self.value
        return tuned(self.settings, self.data).epsilon_of(self.value, self.delta)

    def describe(self) -> dict[str, Any]:
        """What it is, as JSON values: the synthesizer's settings and what they cost."""
        return {
            **self.settings.model_dump(mode="json", exclude={"name"}),
            "epsilon": self.epsilon,
            "noise_multiplier": self.noise_multiplier,
        }


def candidates(base: Candidate, stage: Stage) -> tuple[Candidate, ...]:
    """Every value of each axis with every value of the others; none twice."""
    names = [axis.setting for axis in stage.axes]
    grid = product(*(axis.values for axis in stage.axes))
    made = (base.changed(dict(zip(names, values, strict=True))) for values in grid)
    return tuple(dict.fromkeys(made))


def refuse_unreachable(search: Search) -> None:
    """Refuse a search that may come to an epsilon which no noise reaches.

    Least epsilon, most steps, most sampling: if noise keeps that, it keeps the others.

    Raises:
        SearchError: If none does.
        TableError: If a step cannot be a random draw of the rows.
    """
    hardest = Candidate.first(search)
    own = {"epsilon": search.epsilon, **search.synthesizer.model_dump()}
    for name, pick in _HARDEST.items():
        if name in own:
            axes = (axis for stage in search.stages for axis in stage.axes)
            searched = (value for axis in axes if axis.setting == name for value in axis.values)
            values = [value for value in (own[name], *searched) if value is not None]
            if values:
                hardest = hardest.changed({name: pick(values)})
    if hardest.value is None:
        return
    synthesizer, most = tuned(hardest.settings, search.data), NOISE_RANGE[1]
    if synthesizer.epsilon_of(most, hardest.delta) > hardest.value:
        raise SearchError(
            f"search {search.name}: no noise multiplier up to {most:g} keeps epsilon "
            f"{hardest.value:g} at delta {hardest.delta:g} over {synthesizer.steps} steps; take a "
            "larger epsilon, fewer steps or a smaller sampling probability"
        )
