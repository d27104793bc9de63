"""A search over the settings of a synthesizer: one YAML file, one validated model."""

from tasks.search.errors import SearchError
from tasks.search.load import load_search
from tasks.search.model import (
    PRIVACY,
    SEARCHABLE,
    Axis,
    Data,
    Rejection,
    Released,
    Search,
    SearchedSettings,
    Simulated,
    Stage,
    Tabled,
)

__all__ = [
    "PRIVACY",
    "SEARCHABLE",
    "Axis",
    "Data",
    "Rejection",
    "Released",
    "Search",
    "SearchError",
    "SearchedSettings",
    "Simulated",
    "Stage",
    "Tabled",
    "load_search",
]
