from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from tasks.mobility.areas import area_of
from tasks.privacy.mechanism import SubsampledGaussian
from tasks.region import Box, TripNet
from tasks.schema import RELEASE
from tasks.synthesis import dpsgd
from tasks.synthesis.dpsgd import Layers
from tasks.synthesis.draw import draw_from_network
from tasks.synthesis.grid import NULL, Grid, Tokens
from tasks.synthesis.network_file import TrainedNetwork
from tasks.synthesis.trip_net import TripNetwork, _draw
from tests.tasks.synthesis.boxes import star

MakeTrips = Callable[[int, int], pa.Table]


def random_weights(network: TripNetwork, seed: int) -> dpsgd.Vector:
    noise = np.random.default_rng(seed).normal(0, 0.5, dpsgd.size(network.shapes))
    return np.asarray(network.start() + noise, np.float32)


def losses(network: TripNetwork, weights: dpsgd.Vector, tokens: Tokens) -> NDArray[np.float32]:
    layers = Layers(dpsgd.split(tf.constant(weights), network.shapes), tf.float32)
    return np.asarray(network.losses(layers, tf.constant(tokens)).numpy())


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_before_training_the_origin_is_uniform_over_the_area(
    boxes: tuple[Box, ...], levels: int, make_trips: MakeTrips
) -> None:
    network = TripNetwork(Grid(boxes, levels), TripNet(levels=levels))
    tokens = network.grid.encode(make_trips(200, 1))
    km2 = np.array(
        [
            (b.north - b.south) * (b.east - b.west) * np.cos(np.radians((b.north + b.south) / 2))
            for b in boxes
        ]
    )
    layers = Layers(dpsgd.split(tf.constant(network.start()), network.shapes), tf.float32)
    found = np.zeros(200)
    for head in network.heads[:-2]:
        logits = network._logits(head, layers, tf.constant(tokens))
        shares = tf.nn.log_softmax(logits).numpy()
        found -= shares[np.arange(200), tokens[:, head.position]]
    expected = -np.log((km2 / km2.sum())[tokens[:, 0]]) + np.log(24 * 64.0**levels)
    assert found == pytest.approx(expected, rel=1e-4)


def test_before_training_every_direction_inside_the_box_is_as_likely(
    grid: Grid, make_trips: MakeTrips
) -> None:
    network = TripNetwork(grid, TripNet())
    tokens = grid.encode(make_trips(300, 2))
    tokens[:, -2] = 20  # 3.5 km
    layers = Layers(dpsgd.split(tf.constant(network.start()), network.shapes), tf.float32)
    logits = network._logits(network.heads[-1], layers, tf.constant(tokens)).numpy()
    allowed = grid.bearing_mask(tokens)
    assert 0.2 < allowed.mean() < 0.95
    assert np.median(logits[allowed]) == pytest.approx(0, abs=1e-5)
    assert np.median(logits[~allowed]) == pytest.approx(np.log(0.002), rel=1e-5)


def test_places_where_trips_begin_draw_them(grid: Grid) -> None:
    network = TripNetwork(grid, TripNet())
    parameters = dpsgd.split(tf.constant(network.start()), network.shapes)
    bias = np.zeros(64, np.float32)
    bias[27] = 5.0
    flat = {**{name: part.numpy() for name, part in parameters.items()}, "origin_1/bias": bias}
    weights = np.concatenate([part.ravel() for part in flat.values()])
    shares = {}
    for name, each in (("drawn", weights), ("start", network.start())):
        tokens = network.sample(each, 20_000, np.random.default_rng(1))
        rows = grid.decode(tokens, np.random.default_rng(2))
        ends = np.stack([rows.destination_latitude, rows.destination_longitude])
        places = grid._digits(rows.area, *ends)[:, 0]
        elsewhere = tokens[:, 2] != 27
        shares[name] = np.mean(places[elsewhere] == 27)
    assert shares["drawn"] > 5 * shares["start"] > 0


def test_the_likelihoods_of_all_trips_sum_to_one() -> None:
    tiny = Box(name="tiny", south=10.0, west=10.0, north=10.011, east=10.011)
    network = TripNetwork(Grid((tiny,), levels=1), TripNet(levels=1, hidden_units=8))
    everything = np.stack(
        [axis.ravel() for axis in np.indices(network.grid.sizes, dtype=np.int32)], axis=1
    )
    weights = random_weights(network, 3)
    total = sum(
        np.exp(-losses(network, weights, part).astype(np.float64)).sum()
        for part in np.array_split(everything, 20)
    )
    assert total == pytest.approx(1, rel=1e-5)


def test_a_head_sees_only_earlier_tokens(grid: Grid, make_trips: MakeTrips) -> None:
    network = TripNetwork(grid, TripNet())
    flat = tf.constant(random_weights(network, 4))
    tokens = grid.encode(make_trips(20, 5))
    for head in network.heads:
        changed = tokens.copy()
        changed[:, head.position :] = 0
        logits = [
            network._logits(
                head, Layers(dpsgd.split(flat, network.shapes), tf.float32), tf.constant(part)
            ).numpy()
            for part in (tokens, changed)
        ]
        assert (logits[0] == logits[1]).all()


def test_rule_2_null_records_have_no_loss_and_no_gradient(
    grid: Grid, make_trips: MakeTrips
) -> None:
    network = TripNetwork(grid, TripNet())
    flat = random_weights(network, 4)
    nulls = np.full((3, len(grid.sizes)), NULL, np.int32)
    assert (losses(network, flat, nulls) == 0).all()
    assert (
        dpsgd.clipped_sum(network, tf.constant(flat), tf.constant(nulls), 1.0).numpy() == 0
    ).all()
    tokens = grid.encode(make_trips(20, 6))
    sums = [
        dpsgd.clipped_sum(network, tf.constant(flat), tf.constant(part), 1.0).numpy()
        for part in (tokens, np.concatenate([tokens, nulls]))
    ]
    assert sums[0] == pytest.approx(sums[1], abs=1e-6)


@pytest.mark.parametrize("trained", [False, True])
def test_ghost_norms_of_the_network_equal_automatic_differentiation(
    grid: Grid, make_trips: MakeTrips, trained: bool
) -> None:
    network = TripNetwork(grid, TripNet(hidden_units=8))
    flat = random_weights(network, 7) if trained else network.start()
    tokens = grid.encode(make_trips(6, 8))
    reference = np.zeros(len(flat))
    for token in tokens:
        variable = tf.constant(flat, tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            layers = Layers(dpsgd.split(variable, network.shapes), tf.float64)
            loss = network.losses(layers, tf.constant(token[None]))
        gradient = tape.gradient(loss, variable).numpy()
        reference += gradient * min(1, 0.3 / np.linalg.norm(gradient)) * (1 - 1e-5)
    ghost = dpsgd.clipped_sum(network, tf.constant(flat, tf.float64), tf.constant(tokens), 0.3)
    assert ghost.numpy() == pytest.approx(reference, rel=1e-6, abs=1e-9)


def test_dp_sgd_learns_the_day_and_sampling_shows_it(grid: Grid, make_trips: MakeTrips) -> None:
    network = TripNetwork(grid, TripNet())
    trips = make_trips(2000, 9)
    eight = pa.array(np.full(2000, 8, np.int8))
    trips = trips.set_column(trips.schema.get_field_index("hour"), "hour", eight)
    tokens = grid.encode(trips)
    mechanism = SubsampledGaussian(0.3, 1.0, steps=60, reserve_steps=0, l2_norm_clip=1.0)
    adam = dpsgd.Adam.start(network.start(), 0.03, 0.9)
    engine = dpsgd.DpSgd(network, tokens, mechanism.begin(2000), adam)
    for _ in range(60):
        engine.step()
    before, after = (losses(network, w, tokens).mean() for w in (network.start(), adam.averaged))
    assert after < before - 3
    sampled = network.sample(adam.averaged, 3000)
    assert np.mean(sampled[:, 1] == 8) > 0.5
    busy = np.bincount(tokens[:, 2], minlength=64) > 200
    assert busy[sampled[:, 2]].mean() > 2 * busy.mean()


def test_sampled_rows_are_tokens_of_the_grid_and_follow_the_weights(grid: Grid) -> None:
    network = TripNetwork(grid, TripNet())
    weights = network.start()
    parts = dict(
        zip(
            network.shapes,
            np.split(
                weights, np.cumsum([int(np.prod(shape)) for shape in network.shapes.values()])[:-1]
            ),
            strict=True,
        )
    )
    parts["hour/bias"][8] = 3.0
    weights = np.concatenate(list(parts.values()))
    tokens = network.sample(weights, 20_000, np.random.default_rng(1))
    assert tokens.shape == (20_000, len(grid.sizes))
    assert ((tokens >= 0) & (tokens < np.array(grid.sizes))).all()
    expected = np.exp(3) / (np.exp(3) + 23)
    assert np.mean(tokens[:, 1] == 8) == pytest.approx(expected, abs=0.015)
    assert grid.distance_mask(tokens)[np.arange(20_000), tokens[:, -2]].all()
    assert grid.bearing_mask(tokens)[np.arange(20_000), tokens[:, -1]].all()


@pytest.mark.parametrize("rows", [0, 1, 4_097])
def test_exactly_as_many_rows_as_asked_for(grid: Grid, rows: int) -> None:
    network = TripNetwork(grid, TripNet())
    assert len(network.sample(network.start(), rows)) == rows


def test_drawing_never_takes_a_masked_value() -> None:
    logits = np.full((4000, 5), -np.inf)
    logits[:, 1], logits[:, 3] = 0.0, np.log(3)
    drawn = _draw(logits, np.random.default_rng(2))
    assert set(drawn.tolist()) == {1, 3}
    assert np.mean(drawn == 3) == pytest.approx(0.75, abs=0.04)


class _Last(np.random.Generator):
    """A generator whose uniform numbers are the largest below one."""

    def random(self, size: int) -> NDArray[np.float64]:  # type: ignore[override]
        return np.full(size, np.nextafter(1.0, 0.0))


def test_drawing_at_the_end_of_the_interval_stays_possible() -> None:
    logits = np.tile(np.array([[0.0, 0.3, -np.inf]]), (3, 1))
    assert _draw(logits, _Last(np.random.PCG64())).tolist() == [1, 1, 1]


def test_rows_of_an_area_with_a_hole_lie_inside_it() -> None:
    grid = Grid((star(50.0, 8.0, 0.3),), 3)
    network = TripNetwork(grid, TripNet())
    rows = draw_from_network(TrainedNetwork(network, network.start()), 3000)
    ends = [
        (rows[f"{end}_latitude"].to_numpy(), rows[f"{end}_longitude"].to_numpy())
        for end in ("origin", "destination")
    ]
    assert area_of(grid.boxes, *ends).null_count == 0
    assert grid.encode(rows)[:, 0].tolist() == [0] * 3000
    assert rows.schema == RELEASE.arrow()
