"""The release as a Data Package, version 2 (https://datapackage.org): datapackage.json."""

from typing import Any

import pyarrow as pa

from tasks.release.metadata import Metadata, Resource
from tasks.schema import Column, Table

_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_SOURCE = "Public GBFS feeds"
_DIALECT = {
    "delimiter": ",",
    "lineTerminator": "\n",
    "quoteChar": '"',
    "doubleQuote": True,
    "header": True,
}
"""That of `tasks.release.tables.write_csv`."""


def data_package(about: Metadata) -> dict[str, Any]:
    """The descriptor of a release; tables have their columns, all files their hashes."""
    licence = {"name": about.licence.id, "title": about.licence.title, "path": about.licence.url}
    if about.licence.url is None:
        licence = {"title": about.licence.title, "path": "LICENSE"}
    return {
        "$schema": _PROFILE,
        "name": about.name,
        "title": about.title,
        "description": about.description,
        "version": about.version,
        "created": f"{about.published}T00:00:00Z",
        "licenses": [licence],
        "sources": [{"title": title} for title in (_SOURCE, about.credit) if title],
        "contributors": [{"title": about.creator, "roles": ["creator"]}],
        "keywords": list(about.keywords),
        "resources": [_resource(resource) for resource in about.resources],
    }


def _resource(resource: Resource) -> dict[str, Any]:
    is_csv = ".csv" in resource.file
    described = {
        "name": resource.stem if is_csv else resource.file.replace(".", "-"),
        "path": resource.file,
        "description": resource.description,
        "mediatype": "text/csv" if is_csv else resource.media_type,
        "bytes": resource.bytes,
        "hash": f"sha256:{resource.sha256}",
    }
    if is_csv:
        described |= {"type": "table", "format": "csv", "encoding": "utf-8", "dialect": _DIALECT}
    elif resource.file.endswith(".parquet"):
        described |= {"type": "file", "format": "parquet"}
    return described | ({"schema": _schema(resource.table)} if resource.table else {})


def _schema(table: Table) -> dict[str, Any]:
    return {"fields": [_field(column) for column in table.columns]}


def _field(column: Column) -> dict[str, Any]:
    constraints = {
        "required": not column.nullable,
        "minimum": column.minimum,
        "maximum": column.maximum,
        "enum": list(column.categories) if column.categories else None,
    }
    return {
        "name": column.name,
        "type": _type(column.type),
        "description": column.description,
        **({"unit": column.unit} if column.unit else {}),
        "constraints": {name: value for name, value in constraints.items() if value is not None},
    }


def _type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "integer"
    return "number" if pa.types.is_floating(kind) else "string"
