"""The table of a feed's vehicle types: public facts about models, none about a vehicle."""

import pyarrow as pa

from tasks.schema.table import Column, Table

FORM_FACTORS = (
    "bicycle",
    "cargo_bicycle",
    "car",
    "moped",
    "scooter",
    "scooter_standing",
    "scooter_seated",
    "other",
)
"""`form_factor` in GBFS 2.1 to 3.0, vehicle_types.json; 2.3 parted `scooter` in two."""

PROPULSION_TYPES = (
    "human",
    "electric_assist",
    "electric",
    "combustion",
    "combustion_diesel",
    "hybrid",
    "plug_in_hybrid",
    "hydrogen_fuel_cell",
)
"""`propulsion_type` in GBFS 2.1 to 3.0, vehicle_types.json; the last four since 2.3."""

VEHICLE_TYPES = Table(
    name="vehicle_types",
    description="One row per vehicle type that a feed declared during a service day.",
    version=1,
    columns=(
        Column("vehicle_type_id", pa.string(), "Key that sightings of the same feed refer to."),
        Column(
            "form_factor",
            pa.string(),
            "What it is; null where the feed says nothing that the standard knows.",
            categories=FORM_FACTORS,
            nullable=True,
        ),
        Column(
            "propulsion_type",
            pa.string(),
            "What drives it; null where the feed says nothing that the standard knows.",
            categories=PROPULSION_TYPES,
            nullable=True,
        ),
    ),
)
