"""DP-SGD, written once, for every neural synthesizer.

A step draws a Poisson mask, clips each drawn record's gradient to `l2_norm_clip`, sums, adds
Gaussian noise once and divides by the public expected batch. Mask, noise and division belong to
the mechanism (`tasks.privacy`), which is plain numpy outside every compiled function; TensorFlow
computes the clipped sum, in which nothing is random but the masks of dropout, a function of a
seed handed in.

`parameters` names the weights, `layers` is what models are written with, `recurrence` and
`contributions` say what a layer contributes to a record's gradient, `clipping` sums it,
`optimizers` apply the noised mean and `step` is the step.
"""

from tasks.synthesis.dpsgd.clipping import (
    Precision,
    clipped_sum,
    compiled_clipped_sum,
    squared_norms,
)
from tasks.synthesis.dpsgd.keras_model import KerasModel
from tasks.synthesis.dpsgd.layers import Layers, Model
from tasks.synthesis.dpsgd.optimizers import OPTIMIZERS, Adam, Momentum, Optimizer, RmsProp, Sgd
from tasks.synthesis.dpsgd.parameters import Shapes, Vector, arrays_of, size, split, vector_of
from tasks.synthesis.dpsgd.step import DpSgd

__all__ = [
    "OPTIMIZERS",
    "Adam",
    "DpSgd",
    "KerasModel",
    "Layers",
    "Model",
    "Momentum",
    "Optimizer",
    "Precision",
    "RmsProp",
    "Sgd",
    "Shapes",
    "Vector",
    "arrays_of",
    "clipped_sum",
    "compiled_clipped_sum",
    "size",
    "split",
    "squared_norms",
    "vector_of",
]
