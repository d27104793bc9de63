"""The release as a schema.org Dataset, which search engines read from its page."""

from typing import Any

from tasks.region import Box
from tasks.release.manifest import PublicManifest
from tasks.release.metadata import Metadata, Resource, metadata_of
from tasks.schema import Column


def json_ld(manifest: PublicManifest) -> dict[str, Any]:
    """The JSON-LD document of a release; addresses in it are relative to its folder.

    Args:
        manifest: The public manifest; its `files` are offered for download.
    """
    about = metadata_of(manifest)
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        **dataset(about),
        "isAccessibleForFree": True,
        **({"creditText": about.credit} if about.credit else {}),
        "temporalCoverage": about.interval,
        "spatialCoverage": [_place(box) for box in about.boxes],
        "measurementTechnique": "differentially private synthesis from GBFS feeds",
        "variableMeasured": _variables(about),
        "distribution": [_download(resource) for resource in about.resources],
    }


def dataset(about: Metadata) -> dict[str, Any]:
    """What all documents of the schema.org vocabulary say alike."""
    return {
        "name": about.title,
        "description": about.description,
        "identifier": about.name,
        "url": "index.html",
        "license": about.licence.url or about.licence.title,
        "creator": {"@type": "Organization", "name": about.creator},
        "keywords": list(about.keywords),
        "version": about.version,
        "datePublished": about.published.isoformat(),
    }


def _place(box: Box) -> dict[str, Any]:
    return {
        "@type": "Place",
        "name": box.name,
        "geo": {
            "@type": "GeoShape",
            "box": f"{box.south} {box.west} {box.north} {box.east}",
        },
    }


def _variables(about: Metadata) -> list[dict[str, Any]]:
    """The columns of the tables of rows, each once."""
    columns = {
        column.name: column
        for resource in about.resources
        if resource.table and resource.stem in about.tables
        for column in resource.table.columns
    }
    return [_variable(column) for column in columns.values()]


def _variable(column: Column) -> dict[str, Any]:
    found = {
        "@type": "PropertyValue",
        "name": column.name,
        "description": column.description,
        "unitText": column.unit,
        "minValue": column.minimum,
        "maxValue": column.maximum,
    }
    return {name: value for name, value in found.items() if value is not None}


def _download(resource: Resource) -> dict[str, Any]:
    return {
        "@type": "DataDownload",
        "name": resource.file,
        "description": resource.description,
        "contentUrl": resource.file,
        "encodingFormat": resource.media_type,
        "contentSize": f"{resource.bytes} B",
        "sha256": resource.sha256,
    }
