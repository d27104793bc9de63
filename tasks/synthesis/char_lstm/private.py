"""Training by DP-SGD: a row is a record, all that decides on the steps is public."""

from collections.abc import Callable

from tasks.privacy.mechanism import SubsampledGaussian
from tasks.synthesis import dpsgd
from tasks.synthesis.char_lstm.network import CharNetwork, Records
from tasks.tables import CharLstm, TableError


def mechanism_for(settings: CharLstm, rows: int, noise_multiplier: float) -> SubsampledGaussian:
    """What a training runs, and what it is accounted by.

    Args:
        settings: The synthesizer's settings.
        rows: Number of rows of the table, public.
        noise_multiplier: See `SubsampledGaussian`; `tasks.privacy.accountant.solve_noise` finds
            the one that a guarantee needs.

    Raises:
        TableError: If the table has no more rows than a batch.

    Examples:
        >>> mechanism = mechanism_for(CharLstm(batch=58, epochs=30), 5_800, 1.0)
        >>> mechanism.sampling_probability, mechanism.steps
        (0.01, 3000)
    """
    if rows <= settings.batch:
        raise TableError(
            f"a batch of {settings.batch:,} rows of a table of {rows:,}: with a guarantee each "
            "step draws some rows at random; set batch to less than the rows"
        )
    return SubsampledGaussian(
        sampling_probability=settings.batch / rows,
        noise_multiplier=noise_multiplier,
        steps=max(1, round(settings.epochs * rows / settings.batch)),
        reserve_steps=0,
        l2_norm_clip=settings.l2_norm_clip,
    )


class PrivateTraining:
    """Steps of one attempt, with its own masks and noise, from weights that anybody may know.

    Args:
        network: What is trained.
        records: Shape (n, symbols), null records included.
        mechanism: Of `mechanism_for`, with the number of these records.
    """

    def __init__(
        self, network: CharNetwork, records: Records, mechanism: SubsampledGaussian
    ) -> None:
        settings = network.settings
        self._optimizer = dpsgd.OPTIMIZERS[settings.optimizer].start(
            network.start(), settings.learning_rate, settings.weight_averaging
        )
        self._engine = dpsgd.DpSgd(
            network,
            records,
            mechanism.begin(len(records)),
            self._optimizer,
            physical_batch=network.rows_at_once,
        )
        self.steps = mechanism.steps

    @property
    def weights(self) -> dpsgd.Vector:
        """The noised weights now, averaged as the settings say, shape (size,)."""
        return self._optimizer.averaged

    def step(self) -> None:
        """One step; its loss is private and nobody is told of it."""
        self._engine.step()


def train_privately(
    network: CharNetwork,
    records: Records,
    mechanism: SubsampledGaussian,
    on_step: Callable[[int, int], None] = lambda done, steps: None,
) -> dpsgd.Vector:
    """Run all steps of a mechanism.

    Args:
        network: What is trained.
        records: Shape (n, symbols), null records included.
        mechanism: Of `mechanism_for`, with the number of these records.
        on_step: Told how many steps are done, of how many.

    Returns:
        The weights, shape (size,): differentially private by the mechanism's event.
    """
    training = PrivateTraining(network, records, mechanism)
    for done in range(1, training.steps + 1):
        training.step()
        on_step(done, training.steps)
    return training.weights
