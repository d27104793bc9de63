"""`char_lstm`: a recurrent network that writes the rows of any table character by character.

    embedding, dropout, (LSTM, dropout) x layers, softmax over the alphabet and the end of the line

`network` is the model, `private` trains it by DP-SGD and `plain` without privacy, which is no part
of this list: who takes it says so. `generation` writes lines, each character drawn by `drawing`;
`network_file` stores what was trained.
"""

from tasks.synthesis.char_lstm.generation import sample_lines
from tasks.synthesis.char_lstm.network import CharNetwork
from tasks.synthesis.char_lstm.network_file import (
    TrainedCharNetwork,
    load_char_network,
    save_char_network,
)
from tasks.synthesis.char_lstm.private import PrivateTraining, mechanism_for, train_privately

__all__ = [
    "CharNetwork",
    "PrivateTraining",
    "TrainedCharNetwork",
    "load_char_network",
    "mechanism_for",
    "sample_lines",
    "save_char_network",
    "train_privately",
]
