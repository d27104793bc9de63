"""A Keras functional or Sequential model, trained by DP-SGD as it is.

The model is walked layer by layer, each layer applied through `Layers`, which knows what it
contributes to per-record gradients. A layer that is not known is refused by name: its parameters
would go unclipped, or it might mix the rows of a batch.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from tasks.synthesis.dpsgd.keras_layers import apply_layer, check_layer, variables_of
from tasks.synthesis.dpsgd.layers import Layers
from tasks.synthesis.dpsgd.parameters import Shapes, Vector, split
from tasks.synthesis.errors import LayerError


class KerasModel:
    """A Keras model with a loss per row.

    Args:
        network: A functional or built Sequential model; other models may be nested in it. Its
            weights are read when asked for and changed only by `write`.
        inputs: Takes records (rows, ...) to the network's input, or to a list of its inputs, with
            valid values for null records too.
        loss: Takes records and the network's outputs, at least float32, to the loss of every row,
            shape (rows,); exactly zero for null records. An output counts only for its own row.

    Attributes:
        variables: The network's weights by layer and name, in the order of the flat vector.

    Raises:
        LayerError: If the network has a layer, or a setting of a layer, whose per-record
            gradients are not known, or is no network of layers.
    """

    def __init__(
        self,
        network: tf.keras.Model,
        inputs: Callable[[tf.Tensor], Any],
        loss: Callable[[tf.Tensor, Any], tf.Tensor],
    ) -> None:
        self.network = network
        self.inputs = inputs
        self.loss = loss
        self.variables: dict[str, tf.Variable] = {}
        if not _is_network(network):
            raise LayerError(f"model {network.name!r} must be a functional or Sequential one")
        for name, layer in _layers(network):
            check_layer(name, layer)
            self.variables |= {f"{name}/{k}": v for k, v in variables_of(layer).items()}

    @property
    def shapes(self) -> Shapes:
        """Shape of every weight, by layer and name, in the order of the flat vector."""
        return {name: tuple(variable.shape) for name, variable in self.variables.items()}

    def start(self) -> Vector:
        """The network's present weights, shape (size,)."""
        return np.concatenate(
            [np.zeros(0, np.float32)]
            + [np.ravel(variable.numpy()) for variable in self.variables.values()]
        ).astype(np.float32)

    def write(self, weights: NDArray[np.floating[Any]]) -> None:
        """Set the network's weights, shape (size,)."""
        for name, value in split(tf.constant(weights), self.shapes).items():
            self.variables[name].assign(value)

    def losses(self, layers: Layers, records: tf.Tensor) -> tf.Tensor:
        """The loss of every row, shape (rows,)."""
        outputs = _run(self.network, "", layers, self.inputs(records))
        if layers.dtype.size < tf.float32.size:
            outputs = tf.nest.map_structure(lambda value: tf.cast(value, tf.float32), outputs)
        return self.loss(records, outputs)


def _layers(network: tf.keras.Model, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All layers with their names, those of nested models included."""
    seen = set()
    for layer in network.layers:
        name = f"{prefix}{layer.name}"
        if _is_network(layer):
            yield from _layers(layer, f"{name}/")
        elif id(layer) not in seen:
            yield name, layer
        seen.add(id(layer))


def _is_network(layer: Any) -> bool:
    """Whether a layer is a model that can be walked."""
    functional = isinstance(layer, tf.keras.Model) and layer._is_graph_network
    return functional or isinstance(layer, tf.keras.Sequential)


def _run(network: tf.keras.Model, prefix: str, layers: Layers, inputs: Any) -> Any:
    """The outputs of a network, every layer applied through `layers`."""

    def apply(layer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        name = f"{prefix}{layer.name}"
        if _is_network(layer):
            return _run(layer, f"{name}/", layers, *args)
        return apply_layer(layers, name, layer, args, kwargs)

    inputs = tf.nest.map_structure(
        lambda value: tf.cast(value, layers.dtype) if value.dtype.is_floating else value, inputs
    )
    if isinstance(network, tf.keras.Sequential):
        for layer in network.layers:
            inputs = apply(layer, (inputs,), {})
        return inputs
    # Keras keeps the calls of a functional model as nodes, ordered by depth; each tensor is a
    # stack of itself, one per use, from which `map_arguments` takes
    tensors = {
        str(id(symbol)): [value] * network._tensor_usage_count[str(id(symbol))]
        for symbol, value in zip(network.inputs, tf.nest.flatten(inputs), strict=True)
    }
    for depth in sorted(network._nodes_by_depth, reverse=True):
        for node in network._nodes_by_depth[depth]:
            if node.is_input:
                continue
            outputs = apply(node.layer, *node.map_arguments(tensors))
            for key, value in zip(node.flat_output_ids, tf.nest.flatten(outputs), strict=True):
                tensors[key] = [value] * network._tensor_usage_count[key]
    values = [tensors[str(id(symbol))].pop() for symbol in network.outputs]
    return values[0] if len(values) == 1 else values
