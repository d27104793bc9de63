import pytest
import tensorflow as tf

from tasks.synthesis.device import find_device
from tasks.synthesis.errors import DeviceError

HAS_GPU = bool(tf.config.list_physical_devices("GPU"))


def test_a_worker_says_what_it_computes_on() -> None:
    said = find_device("preferred")
    assert said.startswith("GPU ") if HAS_GPU else said == "CPU, for there is no GPU"


def test_a_required_gpu_that_is_missing_is_refused() -> None:
    if HAS_GPU:
        assert find_device("required").startswith("GPU ")
        return
    with pytest.raises(DeviceError, match="requires a GPU and TensorFlow sees none"):
        find_device("required")
