"""Service areas from public sources: polygon files, a feed's zones, its stations.

Nothing here reads where vehicles stand: a service area is public and is never learnt from trips.
"""

from tasks.service_area.block import geojson_of, yaml_of
from tasks.service_area.errors import AreaError
from tasks.service_area.feed import PublicFiles, areas_of_feed, system_of
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
    "geojson_of",
    "system_of",
    "yaml_of",
]
