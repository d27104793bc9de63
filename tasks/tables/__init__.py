"""Any table: its public schema, its rows as lines of text, and the grammar of the lines."""

from tasks.tables.columns import (
    CategoryColumn,
    Column,
    DateColumn,
    DecimalColumn,
    IntegerColumn,
    TextColumn,
    Value,
)
from tasks.tables.errors import TableError
from tasks.tables.grammar import Grammar
from tasks.tables.lines import from_lines, read_line, to_csv, to_lines
from tasks.tables.load import load_synthesis, load_table
from tasks.tables.read import read_rows
from tasks.tables.settings import CharLstm
from tasks.tables.synthesis import NOT_PRIVATE, RowGuarantee, Synthesis
from tasks.tables.table import PublicTable

__all__ = [
    "NOT_PRIVATE",
    "CategoryColumn",
    "CharLstm",
    "Column",
    "DateColumn",
    "DecimalColumn",
    "Grammar",
    "IntegerColumn",
    "PublicTable",
    "RowGuarantee",
    "Synthesis",
    "TableError",
    "TextColumn",
    "Value",
    "from_lines",
    "load_synthesis",
    "load_table",
    "read_line",
    "read_rows",
    "to_csv",
    "to_lines",
]
