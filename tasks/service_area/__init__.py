"""Service areas from public sources: polygon files, a feed's zones, its stations.

Nothing here reads where vehicles stand: a service area is public and is never learnt from trips.
"""

from tasks.service_area.block import geojson_of, geojson_of_docks, yaml_of, yaml_of_docks
from tasks.service_area.errors import AreaError
from tasks.service_area.feed import PublicFiles, areas_of_feed, docks_of_feed, system_of
from tasks.service_area.files import areas_of_file
from tasks.service_area.outline import Areas
from tasks.service_area.system import System

__all__ = [
    "AreaError",
    "Areas",
    "PublicFiles",
    "System",
    "areas_of_feed",
    "areas_of_file",
    "docks_of_feed",
    "geojson_of",
    "geojson_of_docks",
    "system_of",
    "yaml_of",
    "yaml_of_docks",
]
