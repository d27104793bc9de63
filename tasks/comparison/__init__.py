"""A comparison study of ordinary and private training: one YAML file, one validated model."""

from tasks.comparison.errors import StudyError
from tasks.comparison.load import load_study
from tasks.comparison.model import (
    Canaries,
    Configuration,
    FigureName,
    Filters,
    GridLaw,
    MixedDistance,
    Repetition,
    RowsFile,
    SimulatedRows,
    Study,
    TrainingGuarantee,
    TripDistance,
    UniformLaw,
)

__all__ = [
    "Canaries",
    "Configuration",
    "FigureName",
    "Filters",
    "GridLaw",
    "MixedDistance",
    "Repetition",
    "RowsFile",
    "SimulatedRows",
    "Study",
    "StudyError",
    "TrainingGuarantee",
    "TripDistance",
    "UniformLaw",
    "load_study",
]
