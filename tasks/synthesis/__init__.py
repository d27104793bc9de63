"""From trips to a model under differential privacy, and from the model to synthetic trips."""
