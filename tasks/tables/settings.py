"""Settings of the synthesizers of any table."""

from typing import Literal

from pydantic import Field

from tasks.region.settings import Settings


class CharLstm(Settings):
    """Settings of the synthesizer `char_lstm`; all of them are public.

    They are the same with a guarantee and without one. The defaults of the network are those of
    the work that this one reproduces: an embedding and two LSTM layers of 256, dropout 0.2.
    """

    name: Literal["char_lstm"] = Field(
        "char_lstm", description="A recurrent network that writes a row character by character."
    )
    embedding: int = Field(256, ge=1, le=4096, description="Width of a character's embedding.")
    units: int = Field(256, ge=1, le=4096, description="Width of each LSTM layer.")
    layers: int = Field(2, ge=1, le=8, description="Number of LSTM layers.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of activations dropped in training.")
    optimizer: Literal["adam", "momentum", "rmsprop", "sgd"] = Field(
        "adam", description="What applies the gradients: Adam, momentum 0.9, RMSprop, SGD."
    )
    learning_rate: float = Field(0.002, gt=0, le=100, description="The optimizer's learning rate.")
    batch: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="Rows of a step; with a guarantee, rows of a step on average.",
    )
    epochs: int = Field(
        30, ge=1, le=100_000, description="How often a row enters training, on average."
    )
    l2_norm_clip: float = Field(
        1.0, gt=0, description="With a guarantee: bound on each row's gradient norm."
    )
    weight_averaging: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Weight of the past in the moving average of the weights; 0: the last ones.",
    )
    temperature: float = Field(
        1.0,
        gt=0,
        le=10,
        description="Of the draw: under 1 likely characters become likelier, over 1 less so.",
    )
    well_formed_only: bool = Field(
        False,
        description="Draw only characters that the schema allows next, so that every row is valid.",
    )
