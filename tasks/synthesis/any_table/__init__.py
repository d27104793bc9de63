"""Synthetic rows of any table: what is decided before its rows are read, the model, the draw.

`plan` solves for the noise, `training` makes the model under the ledger or without a guarantee,
`drawing` draws rows from it, `card` says in words what they are.
"""

from tasks.synthesis.any_table.card import card_of
from tasks.synthesis.any_table.drawing import Drawn, draw_rows
from tasks.synthesis.any_table.plan import TablePlan, make_table_plan, training_key
from tasks.synthesis.any_table.training import Charging, train_table

__all__ = [
    "Charging",
    "Drawn",
    "TablePlan",
    "card_of",
    "draw_rows",
    "make_table_plan",
    "train_table",
    "training_key",
]
