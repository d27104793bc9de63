"""What is decided before anything is charged: which mechanism runs, and what it costs."""

from dataclasses import dataclass
from typing import Any

from tasks.privacy.accountant import solve_noise
from tasks.privacy.fingerprint import code_version, fingerprint
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region.guarantee import Guarantee
from tasks.synthesis.char_plan import mechanism_for
from tasks.tables import Synthesis, TableError

OF_THE_DRAW = {"temperature", "well_formed_only"}
"""Settings that rows are drawn with; the same model serves all of their values."""
ENGINES = ("privacy", "synthesis", "tables")
"""The rooms whose code decides what a charge pays for: `tables` reads rows and writes lines."""
PROMISE = {"unit": "row", "adjacency": "zero_out"}
"""One row is replaced by a null record, which adds zero to every sum."""


@dataclass(frozen=True)
class TablePlan:
    """Everything about a training that is decided before; all of it is public.

    Attributes:
        synthesis: The table, the synthesizer and the guarantee.
        records: Number of rows of the data, which is public.
        mechanism: What trains, its noise solved for the guarantee; None without a guarantee.
    """

    synthesis: Synthesis
    records: int
    mechanism: SubsampledGaussian | None

    def describe(self) -> dict[str, Any]:
        """What is charged for; JSON values."""
        mechanism = self.mechanism
        return {
            **_asked(self.synthesis, self.records),
            "mechanism": mechanism and mechanism.describe(),
            "event": mechanism and repr(mechanism.event()),
        }


def training_key(synthesis: Synthesis, records: int, input_sha256: str) -> str:
    """The key of a training on an input, by the code that trains; the noise follows from it.

    Args:
        synthesis: The table, the synthesizer and the guarantee.
        records: Number of rows of the data.
        input_sha256: SHA-256 of the data.

    Returns:
        64 hexadecimal digits; private, as whoever knows all rows but one could find it by them.
    """
    return fingerprint(_asked(synthesis, records), code_version(engines=ENGINES), input_sha256)


def _asked(synthesis: Synthesis, records: int) -> dict[str, Any]:
    guarantee = synthesis.guarantee
    return {
        "table": synthesis.table.model_dump(mode="json"),
        "synthesizer": synthesis.synthesizer.model_dump(mode="json", exclude=OF_THE_DRAW),
        "guarantee": guarantee
        and {**PROMISE, "epsilon": guarantee.epsilon, "delta": guarantee.delta},
        "records": records,
    }


def make_table_plan(synthesis: Synthesis, records: int) -> TablePlan:
    """Solve for the noise; nothing is charged.

    Args:
        synthesis: The table, the synthesizer and the guarantee.
        records: Number of rows of the data, which is public.

    Raises:
        TableError: If the guarantee's delta, or the batch, does not fit that number.
        TargetUnreachableError: If no noise meets the guarantee.
    """
    guarantee, settings = synthesis.guarantee, synthesis.synthesizer
    if guarantee is None:
        return TablePlan(synthesis, records, None)
    most = 0.01 / records
    if guarantee.delta > most * (1 + 1e-9):
        raise TableError(
            f"{synthesis.name}: guarantee.delta {guarantee.delta:g} is over 0.01 / {records:,} "
            f"rows = {most:.3g}; lower it"
        )
    target = Guarantee(epsilon=guarantee.epsilon, delta=guarantee.delta)
    solved = solve_noise(target, lambda noise: mechanism_for(settings, records, noise))
    return TablePlan(synthesis, records, solved)
