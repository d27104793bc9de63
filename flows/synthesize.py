"""Synthesize: rows like those of any table that a public schema describes."""

from typing import Any

from prefect import flow

from tasks.imitate import imitate
from tasks.learn import learn
from tasks.tables import Synthesis


@flow(name="synthesize", flow_run_name="synthesize-{synthesis.name}")
def synthesize(synthesis: Synthesis) -> dict[str, Any]:
    """Train a model of a table, under a guarantee or without one, and draw rows from it.

    Run again, it draws from the finished model, which costs nothing more.

    Args:
        synthesis: The table, its data, the synthesizer and the guarantee.

    Returns:
        The manifest of the synthetic rows.

    Raises:
        OpentripsError: If the data do not meet the schema, a setting does not fit them, no noise
            meets the guarantee, or its budget is spent; then nothing is charged.
    """
    learn(synthesis)
    return imitate(synthesis)
