"""Simulated tables, which are nobody's: to try synthesizers on, and to search their settings."""

from tasks.simulated.incomes import INCOMES, incomes
from tasks.simulated.ratings import RATINGS, ratings

__all__ = ["INCOMES", "RATINGS", "incomes", "ratings"]
