import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.synthesis.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from tasks.synthesis.dpsgd import OPTIMIZERS, Optimizer
from tasks.synthesis.errors import ModelFileError


def some_state(name: str = "adam") -> Optimizer:
    optimizer = OPTIMIZERS[name].start(np.arange(4, dtype=np.float32), 0.01, 0.98)
    optimizer.update(np.array([0.1, -0.2, 0.3, 0.0]))
    return optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_comes_back_and_goes_on_the_same(name: str, tmp_path: Path) -> None:
    optimizer = some_state(name)
    save_checkpoint(tmp_path / "model", "key", optimizer)
    again = load_checkpoint(tmp_path / "model", "key")
    assert type(again) is type(optimizer)
    assert again is not None
    for state in (optimizer, again):
        state.update(np.array([1.0, 2.0, 3.0, 4.0]))
    assert again.steps == optimizer.steps == 2
    for array in (*optimizer.arrays(), "averaged"):
        assert (getattr(again, array) == getattr(optimizer, array)).all()


def test_another_charge_does_not_see_it(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, "key") is None
    save_checkpoint(tmp_path, "key", some_state())
    assert load_checkpoint(tmp_path, "other") is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x80\x04pickle"])
def test_a_damaged_checkpoint_gets_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CHECKPOINT).write_bytes(content)
    with pytest.raises(ModelFileError, match="not a checkpoint") as caught:
        load_checkpoint(tmp_path, "key")
    assert "\n" not in str(caught.value)


def test_a_checkpoint_holds_no_objects_and_no_keys(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, "key", some_state())
    with np.load(tmp_path / CHECKPOINT, allow_pickle=False) as stored:
        assert set(stored.files) == {"facts", "weights", "average", "first", "second"}
        facts = stored["facts"].tobytes()
    assert b"seed" not in facts
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


TRAIN = """
import pathlib, sys
import numpy as np
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.synthesis.checkpoint import load_checkpoint, save_checkpoint
from tasks.synthesis.dpsgd import OPTIMIZERS, DpSgd
from tests.tasks.synthesis.dpsgd.perceptron import MODEL, weights
here, kind = pathlib.Path(sys.argv[1]), OPTIMIZERS[sys.argv[2]]
state = load_checkpoint(here, "key") or kind.start(weights(1).astype(np.float32), 0.01, 0.9)
records = np.zeros((50, 2), np.int32)
engine = DpSgd(MODEL, records, SubsampledGaussian(0.5, 1.0, 500, 0, 1.0).begin(50), state)
while engine.steps < 300:
    engine.step()
    save_checkpoint(here, "key", state)
    print(engine.steps, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_rule_6_kill_9_in_mid_training_then_the_same_command_goes_on(
    name: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", TRAIN, str(tmp_path), name]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    seen = 0
    for line in killed.stdout:
        seen = int(line)
        if seen >= 20:
            break
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    steps = [int(line) for line in again.stdout.split()]
    assert steps[0] > seen
    assert steps == list(range(steps[0], 301))
    state = load_checkpoint(tmp_path, "key")
    assert state is not None
    assert np.isfinite(state.averaged).all()
