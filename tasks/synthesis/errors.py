"""What can go wrong in the synthesis engine; every text is one line for a person."""

from tasks import OpentripsError


class SynthesisError(OpentripsError):
    """The base of this engine's exceptions."""


class ModelFileError(SynthesisError):
    """A stored model or checkpoint is missing, incomplete or does not fit the configuration."""


class DaySizeError(SynthesisError):
    """The day's number of trips, or its noisy count, lies outside the region's public bounds."""


class DeviceError(SynthesisError):
    """The region requires a GPU and this worker has none."""


class LayerError(SynthesisError):
    """A model uses a layer whose per-example gradient norms would be measured wrongly."""
