"""What a private training of `char_lstm` runs, decided before a row is read; no TensorFlow."""

from tasks.privacy.mechanism import SubsampledGaussian
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
