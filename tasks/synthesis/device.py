"""Where TensorFlow computes."""

import tensorflow as tf

from tasks.synthesis.errors import DeviceError


def find_device(gpu: str) -> str:
    """The device that a fit or a training will run on, in words.

    Args:
        gpu: `preferred` or `required`.

    Raises:
        DeviceError: If a GPU is required and TensorFlow sees none.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return f"GPU {details.get('device_name', gpus[0].name)}"
    if gpu == "required":
        raise DeviceError(
            "the region requires a GPU and TensorFlow sees none on this worker; start a worker of "
            "its pool on a machine with one, or set gpu: preferred"
        )
    return "CPU, for there is no GPU"
