"""The card of synthetic rows: what they are and what is promised, in words."""

import textwrap
from collections.abc import Mapping
from typing import Any

from tasks.synthesis.any_table.drawing import Drawn
from tasks.tables import NOT_PRIVATE, Synthesis


def card_of(synthesis: Synthesis, drawn: Drawn, model: Mapping[str, Any]) -> str:
    """The card as Markdown.

    Args:
        synthesis: What was asked for.
        drawn: The rows.
        model: The manifest of the model.
    """
    privacy = model["privacy"]
    promised = [_WITHOUT] if privacy == NOT_PRIVATE else _promise(privacy, model["records"])
    said = [*promised, _rows(synthesis), _validity(synthesis, drawn)]
    columns = [
        f"| `{column.name}` | {_cell(column.allowed)} | {_cell(column.description)} |"
        for column in synthesis.table.columns
    ]
    table = ["| column | values | meaning |", "|---|---|---|", *columns]
    return "\n\n".join(
        [
            f"# {synthesis.name}: {drawn.rows.num_rows:,} synthetic rows",
            *(textwrap.fill(each, 98, break_long_words=False) for each in said),
            "\n".join(table) + "\n",
        ]
    )


_WITHOUT = (
    f"**{NOT_PRIVATE}.** The model was trained without a guarantee. Rows may be rows of the data, "
    "or tell of them; nothing bounds how much."
)


def _promise(privacy: Mapping[str, Any], records: int) -> list[str]:
    mechanism = privacy["mechanism"]
    return [
        f"**Guarantee.** (ε = {privacy['epsilon']:g}, δ = {privacy['delta']:g})-differential "
        "privacy for one row. Whoever sees these rows, or the model, learns nearly the same "
        "whether a given row was among the data or a null record in its place: no probability "
        "differs by more than a factor of e^ε, but for δ. Who has k rows in the data has kε. The "
        f"number of rows, {records:,}, is public, and the guarantee holds among tables that meet "
        "the schema below.",
        f"**Mechanism.** DP-SGD: {mechanism['steps']:,} steps on Poisson samples with probability "
        f"{mechanism['sampling_probability']:.6g}, each row's gradient clipped to "
        f"{mechanism['l2_norm_clip']:g}, Gaussian noise of multiplier "
        f"{mechanism['noise_multiplier']:g}. It spends ε = {privacy['epsilon_pld']:.4f} by privacy "
        f"loss distributions, {privacy['epsilon_rdp']:.4f} by Renyi divergences. Charge "
        f"{privacy['charge']['key']}.",
    ]


def _rows(synthesis: Synthesis) -> str:
    settings = synthesis.synthesizer
    return (
        f"**Rows.** {synthesis.table.description} They are draws from a model, a character-level "
        f"LSTM (layers: {settings.layers}, units: {settings.units}, temperature: "
        f"{settings.temperature:g})."
    )


def _validity(synthesis: Synthesis, drawn: Drawn) -> str:
    rule = (
        "only characters that the schema allows next were drawn"
        if synthesis.synthesizer.well_formed_only
        else "the others were left out"
    )
    return (
        f"**Validity.** Of {drawn.lines:,} drawn lines {100 * drawn.validity:.1f} % are rows of "
        f"the schema; {rule}."
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
