"""The card of synthetic rows: what they are and what is promised, in words."""

from collections.abc import Mapping
from typing import Any

from tasks.synthesis.any_table.drawing import Drawn
from tasks.tables import NOT_PRIVATE, Synthesis

_WITHOUT = f"""**{NOT_PRIVATE}.** The model was trained without a guarantee. Rows may be rows of the
data, or tell of them; nothing bounds how much."""


def card_of(synthesis: Synthesis, drawn: Drawn, model: Mapping[str, Any]) -> str:
    """The card as Markdown.

    Args:
        synthesis: What was asked for.
        drawn: The rows.
        model: The manifest of the model.
    """
    table = synthesis.table
    privacy = model["privacy"]
    promise = _WITHOUT if privacy == NOT_PRIVATE else _promise(privacy, model["records"])
    columns = "\n".join(
        f"| `{column.name}` | {column.allowed.replace('|', chr(92) + '|')} | {column.description} |"
        for column in table.columns
    )
    forced = ", for only characters that the schema allows next were drawn"
    return f"""# {synthesis.name}: {drawn.rows.num_rows:,} synthetic rows

{promise}

**Rows.** {table.description} They are draws from a model, a character-level LSTM of
{synthesis.synthesizer.layers} layers of {synthesis.synthesizer.units} units, at temperature
{synthesis.synthesizer.temperature:g}.

**Validity.** Of {drawn.lines:,} lines that were drawn {100 * drawn.validity:.1f} % are rows of the
schema{forced if synthesis.synthesizer.well_formed_only else ""}; the others were left out.

| column | values | meaning |
|---|---|---|
{columns}
"""


def _promise(privacy: Mapping[str, Any], records: int) -> str:
    mechanism = privacy["mechanism"]
    return f"""**Guarantee.** (ε = {privacy["epsilon"]:g}, δ = {privacy["delta"]:g})-differential
privacy for one row. Whoever sees these rows, or the model, learns nearly the same whether a given
row was among the data or a null record in its place: no probability differs by more than a factor
of e^ε, but for δ. Who has k rows in the data has kε. The number of rows, {records:,}, is
public, and the guarantee holds among tables that meet the schema below.

**Mechanism.** DP-SGD: {mechanism["steps"]:,} steps on Poisson samples with probability
{mechanism["sampling_probability"]:.6g}, each row's gradient clipped to
{mechanism["l2_norm_clip"]:g}, Gaussian noise of multiplier {mechanism["noise_multiplier"]:g}. It
spends ε = {privacy["epsilon_pld"]:.4f} by privacy loss distributions,
{privacy["epsilon_rdp"]:.4f} by Renyi divergences. Charge {privacy["charge"]["key"]}."""
