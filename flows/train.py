"""Train: fit the region's synthesizer to one day's trips, under its guarantee."""

import datetime as dt
from typing import Any

from prefect import flow

from tasks.expire import expire
from tasks.ledger import show_account
from tasks.region import Region
from tasks.train import train as train_model


@flow(name="train", flow_run_name="train-{region.id}-{day}", timeout_seconds=4 * 3600)
def train(region: Region, day: dt.date) -> dict[str, Any]:
    """Reserve the day's budget and train; a flow of its own so that it can run on a GPU worker.

    Args:
        region: The region, as in its file. What is changed here counts for this run only.
        day: A service day whose trips were derived.

    Returns:
        The model's manifest.
    """
    expire(region, day)
    try:
        return train_model(region, day)
    finally:
        show_account(region)
