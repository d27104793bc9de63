"""The release as MLCommons Croissant 1.1 (http://mlcommons.org/croissant/1.1): croissant.json."""

from typing import Any

import pyarrow as pa

from tasks.release.formats.json_ld import dataset
from tasks.release.metadata import Metadata, Resource
from tasks.schema import Column, Table

_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field"),
    *("fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset"),
    *("jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "separator", "source", "subField", "transform"),
)
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "description": {"@container": "@language"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
"""The context that the standard asks for, its appendix 1."""

_PARQUET = "application/x-parquet"
"""What Croissant calls Parquet."""


def croissant(about: Metadata) -> dict[str, Any]:
    """The document of a release: every data file, and the records of every Parquet table."""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        **dataset(about),
        "citeAs": about.citation,
        "rai:dataCollectionTimeframe": [about.start.isoformat(), about.end.isoformat()],
        "rai:dataLimitations": list(about.limits),
        "rai:personalSensitiveInformation": "None: no row is a real trip, vehicle or person.",
        "distribution": [_file(resource) for resource in about.resources],
        "recordSet": [
            _records(each, each.table)
            for each in about.resources
            if each.table and each.file.endswith(".parquet")
        ],
    }


def _file(resource: Resource) -> dict[str, Any]:
    is_parquet = resource.file.endswith(".parquet")
    return {
        "@type": "cr:FileObject",
        "@id": resource.file,
        "name": resource.file,
        "description": resource.description,
        "contentUrl": resource.file,
        "contentSize": f"{resource.bytes} B",
        "encodingFormat": _PARQUET if is_parquet else resource.media_type,
        "sha256": resource.sha256,
    }


def _records(resource: Resource, table: Table) -> dict[str, Any]:
    return {
        "@type": "cr:RecordSet",
        "@id": resource.stem,
        "name": resource.stem,
        "description": table.description,
        "field": [_field(resource, column) for column in table.columns],
    }


def _field(resource: Resource, column: Column) -> dict[str, Any]:
    unit = f" Unit: {column.unit}." if column.unit else ""
    return {
        "@type": "cr:Field",
        "@id": f"{resource.stem}/{column.name}",
        "name": column.name,
        "description": f"{column.description}{unit}",
        "dataType": _type(column.type),
        "source": {"fileObject": {"@id": resource.file}, "extract": {"column": column.name}},
    }


def _type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(kind) else "sc:Text"
