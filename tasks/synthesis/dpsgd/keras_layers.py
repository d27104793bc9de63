"""How each kind of Keras layer is applied through `Layers`; kinds not listed are refused."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from tasks.synthesis.dpsgd.layers import Layers
from tasks.synthesis.errors import LayerError

_keras = tf.keras.layers

_PLAIN = (
    _keras.Activation,
    _keras.Add,
    _keras.Average,
    _keras.Concatenate,
    _keras.Dropout,
    _keras.ELU,
    _keras.Flatten,
    _keras.GlobalAveragePooling1D,
    _keras.GlobalMaxPooling1D,
    _keras.InputLayer,
    _keras.LeakyReLU,
    _keras.Maximum,
    _keras.Minimum,
    _keras.Multiply,
    _keras.Permute,
    _keras.ReLU,
    _keras.RepeatVector,
    _keras.Reshape,
    _keras.Softmax,
    _keras.Subtract,
)
"""Layers without parameters that treat every row by itself."""

_RECURRENT: Mapping[str, Any] = {
    "activation": "tanh",
    "recurrent_activation": "sigmoid",
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "return_state": False,
    "go_backwards": False,
    "stateful": False,
    "time_major": False,
}
_REQUIRED: Mapping[type, Mapping[str, Any]] = {
    _keras.Dense: {},
    _keras.Embedding: {"mask_zero": False},
    _keras.LSTM: _RECURRENT,
    _keras.GRU: _RECURRENT,
    _keras.LayerNormalization: {},
    _keras.MultiHeadAttention: {},
    _keras.Softmax: {"axis": -1},
    _keras.Dropout: {"noise_shape": None},
}
"""Settings that a supported layer must have, where others exist."""

_WEIGHTS: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    _keras.Dense: lambda layer: {"kernel": layer.kernel, "bias": layer.bias},
    _keras.Embedding: lambda layer: {"embeddings": layer.embeddings},
    _keras.LSTM: lambda layer: _recurrent_weights(layer.cell),
    _keras.GRU: lambda layer: _recurrent_weights(layer.cell),
    _keras.LayerNormalization: lambda layer: {"gamma": layer.gamma, "beta": layer.beta},
    _keras.MultiHeadAttention: lambda layer: {
        f"{part}/{name}": getattr(dense, name)
        for part, dense in (
            ("query", layer._query_dense),
            ("key", layer._key_dense),
            ("value", layer._value_dense),
            ("attention_output", layer._output_dense),
        )
        for name in ("kernel", "bias")
    },
}

_ACTIVATIONS = (
    tf.keras.activations.elu,
    tf.keras.activations.exponential,
    tf.keras.activations.gelu,
    tf.keras.activations.hard_sigmoid,
    tf.keras.activations.linear,
    tf.keras.activations.mish,
    tf.keras.activations.relu,
    tf.keras.activations.selu,
    tf.keras.activations.sigmoid,
    tf.keras.activations.softmax,
    tf.keras.activations.softplus,
    tf.keras.activations.softsign,
    tf.keras.activations.swish,
    tf.keras.activations.tanh,
)
"""Functions that treat every row by itself; any other might not."""


def variables_of(layer: Any) -> dict[str, tf.Variable]:
    """The parameters of a supported layer by the names `Layers` knows them by."""
    weights = _WEIGHTS.get(type(layer), lambda _: {})(layer)
    return {name: variable for name, variable in weights.items() if variable is not None}


def check_layer(name: str, layer: Any) -> None:
    """Refuse a layer whose per-record gradients are not known.

    Raises:
        LayerError: Naming the layer, its kind and what is not supported.
    """
    kind = type(layer)
    if kind not in _PLAIN and kind not in _REQUIRED:
        raise _refusal(name, layer, "is not supported")
    if kind in (_keras.Dense, _keras.Activation) and layer.activation not in _ACTIVATIONS:
        raise _refusal(name, layer, "is not supported with activation as set")
    config = layer.get_config()
    wrong = [key for key, value in _REQUIRED.get(kind, {}).items() if config[key] != value]
    wrong += [
        key
        for key, value in config.items()
        if key.endswith(("_regularizer", "_constraint")) and value is not None
    ]
    if wrong:
        raise _refusal(name, layer, f"is not supported with {', '.join(wrong)} as set")
    if {id(v) for v in layer.weights} != {id(v) for v in variables_of(layer).values()}:
        raise _refusal(name, layer, "has weights that are not known")
    if layer.weights and not layer.trainable:
        raise _refusal(name, layer, "is frozen; cut the network there")


def apply_layer(
    layers: Layers, name: str, layer: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """The outputs of a supported layer.

    Raises:
        LayerError: If it is called in a way that is not supported.
    """
    kind = type(layer)
    if kind is _keras.MultiHeadAttention:
        return _attention(layers, name, layer, *args, **kwargs)
    if kwargs or len(args) != 1:
        raise _refusal(name, layer, f"is not supported when called with {sorted(kwargs)}")
    (inputs,) = args
    if kind is _keras.Dense:
        return layer.activation(layers.affine(name, inputs))
    if kind is _keras.Embedding:
        return layers.embed(name, inputs)
    if kind is _keras.LayerNormalization:
        if list(layer.axis) != [len(inputs.shape) - 1]:
            raise _refusal(name, layer, "is supported over the last axis only")
        return layers.norm(name, inputs, layer.epsilon)
    if kind is _keras.Dropout:
        return layers.dropout(inputs, layer.rate)
    if kind is _keras.LSTM:
        states = layers.lstm(name, inputs)
        return states if layer.return_sequences else states[:, -1]
    if kind is _keras.GRU:
        states = layers.gru(name, inputs, reset_after=layer.reset_after)
        return states if layer.return_sequences else states[:, -1]
    # not called as a layer, which would cast to the layer's own type
    return inputs if kind is _keras.InputLayer else layer.call(inputs)


def _attention(
    layers: Layers,
    name: str,
    layer: Any,
    query: tf.Tensor,
    value: tf.Tensor,
    key: tf.Tensor | None = None,
    use_causal_mask: bool = False,
    **kwargs: Any,
) -> tf.Tensor:
    config = layer.get_config()
    if kwargs:
        raise _refusal(name, layer, f"is not supported when called with {sorted(kwargs)}")
    if len(query.shape) != 3 or tuple(layer._attention_axes) != (1,):
        raise _refusal(name, layer, "is supported over the second of three axes only")
    return layers.attention(
        name,
        query,
        value,
        key,
        heads=config["num_heads"],
        causal=use_causal_mask,
        rate=config["dropout"],
    )


def _recurrent_weights(cell: Any) -> dict[str, Any]:
    return {
        "kernel": cell.kernel,
        "recurrent_kernel": cell.recurrent_kernel,
        "bias": cell.bias,
    }


def _refusal(name: str, layer: Any, what: str) -> LayerError:
    return LayerError(f"layer {name!r} ({type(layer).__name__}) {what}")
