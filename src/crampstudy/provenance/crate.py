"""The record of a report as RO-Crate metadata (1.1, with the profile Process Run Crate 0.5), and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from crampstudy.provenance.record import CohortRecord, Origin, Record

MANIFEST = "ro-crate-metadata.json"
_CRATE = "https://w3id.org/ro/crate/1.1"
_PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_CONTEXT = [f"{_CRATE}/context", {"sha256": "https://schema.org/sha256"}]
_LICENCE = {
    "@id": "#licence",
    "@type": "CreativeWork",
    "name": "No licence is stated",
    "description": "Who holds the data says who may use the report.",
}
_ENCODINGS = {
    ".pdf": "application/pdf",
    ".html": "text/html",
    ".csv": "text/csv",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".tex": "application/x-tex",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".ipynb": "application/x-ipynb+json",
}
"""What the ending of a file says of it; a table of the system's would differ from one to the other."""
_ROLES = ("origin", "source", "data", "parameter", "settled", "platform")
Entity = Mapping[str, Any]


class Unrecorded(ValueError):
    """A folder that has no record of a report, or one that cannot be read."""


def write(record: Record) -> bytes:
    """Return the crate's metadata as JSON; :func:`read` gives the record back."""
    content = {"@context": _CONTEXT, "@graph": list(_graph(record))}
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def read(folder: Path) -> Record:
    """Return the record of the report in a folder.

    Raises:
        Unrecorded: there is none, or it is not as :func:`write` made it.
    """
    try:
        graph = json.loads((folder / MANIFEST).read_bytes())["@graph"]
        return _record({entity["@id"]: entity for entity in graph})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as problem:
        raise Unrecorded(str(problem)) from None


def _graph(record: Record) -> Iterator[Entity]:
    files = [_file(name, record) for name in record.outputs]
    data = [entity for number, cohort in enumerate(record.cohorts, 1) for entity in _data(number, cohort)]
    values = [
        *(_value("source", str(number), source) for number, source in enumerate(record.sources, 1)),
        *(_value("parameter", name, json.dumps(value)) for name, value in record.parameters.items()),
        *(_value("settled", name, value) for name, value in record.settled.items()),
        *(_value("platform", name, value) for name, value in record.platform.items()),
    ]
    made_of = [_ingredient(name, digest) for name, digest in record.ingredients.items()]
    origin = {**_value("origin", "report", record.origin.shown), "sha256": record.origin.sha256}
    yield {
        "@id": MANIFEST,
        "@type": "CreativeWork",
        "conformsTo": {"@id": _CRATE},
        "about": {"@id": "./"},
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": record.title,
        "description": f"A report made by crampstudy {record.version}: its files, and the digests of what it is of.",
        "datePublished": record.date_of_data,
        "license": {"@id": _LICENCE["@id"]},
        "conformsTo": {"@id": _PROFILE},
        "hasPart": _ids(files),
        "mentions": {"@id": "#run"},
    }
    yield _LICENCE
    yield {"@id": _PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"}
    yield {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "Report made of data",
        "description": "Notebooks were run on the data, and what they show was typeset. When that was is not recorded: "
        "the same inputs give the same bytes.",
        "instrument": {"@id": "#crampstudy"},
        "object": _ids([origin, *data, *values, *made_of]),
        "result": _ids(files),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    yield {
        "@id": "#crampstudy",
        "@type": "SoftwareApplication",
        "name": "crampstudy",
        "softwareVersion": record.version,
        "softwareRequirements": [f"{name}=={version}" for name, version in record.packages.items()],
    }
    yield from (origin, *data, *values, *made_of, *files)


def _ids(entities: list[Entity]) -> list[dict[str, str]]:
    return [{"@id": entity["@id"]} for entity in entities if not entity["@id"].startswith("#rows")]


def _file(name: str, record: Record) -> Entity:
    return {
        "@id": quote(name),
        "@type": "File",
        "name": name,
        "encodingFormat": _ENCODINGS.get(Path(name).suffix, "application/octet-stream"),
        "contentSize": str(record.sizes.get(name, 0)),
        "sha256": record.outputs[name],
    }


def _data(number: int, cohort: CohortRecord) -> Iterator[Entity]:
    rows = [_value(f"rows-{number}", table, str(n)) for table, n in cohort.rows.items()]
    yield {
        "@id": f"#data-{number}",
        "@type": "CreativeWork",
        "name": cohort.name,
        "genre": cohort.kind,
        "creativeWorkStatus": "synthetic" if cohort.synthetic else "observed",
        "description": "The cohort as it was read and cleaned; the report does not hold it.",
        "sha256": cohort.sha256,
        "variableMeasured": [{"@id": each["@id"]} for each in rows],
    }
    yield from rows


def _value(role: str, name: str, value: str) -> Entity:
    return {"@id": f"#{role}-{quote(name)}", "@type": "PropertyValue", "name": name, "value": value}


def _ingredient(name: str, digest: str) -> Entity:
    return {"@id": f"#part-{quote(name)}", "@type": "CreativeWork", "name": name, "sha256": digest}


def _record(by_id: Mapping[str, Entity]) -> Record:
    root, software, run = by_id["./"], by_id["#crampstudy"], by_id["#run"]
    origin = by_id["#origin-report"]
    objects = [by_id[each["@id"]] for each in run["object"]]
    results = [by_id[each["@id"]] for each in run["result"]]
    values: dict[str, dict[str, str]] = {role: {} for role in _ROLES}
    for entity in objects:
        if entity["@type"] == "PropertyValue":
            values[entity["@id"][1:].partition("-")[0]][entity["name"]] = entity["value"]
    parts = {each["name"]: each["sha256"] for each in objects if each["@id"].startswith("#part-")}
    return Record(
        title=root["name"],
        version=software["softwareVersion"],
        date_of_data=root["datePublished"],
        origin=Origin(origin["value"], origin["sha256"]),
        sources=tuple(values["source"].values()),
        cohorts=tuple(_cohort(each, by_id) for each in objects if each["@id"].startswith("#data-")),
        parameters={name: json.loads(text) for name, text in values["parameter"].items()},
        ingredients=parts,
        platform=values["platform"],
        packages=dict(each.split("==", 1) for each in software["softwareRequirements"]),
        settled=values["settled"],
        outputs={each["name"]: each["sha256"] for each in results},
        sizes={each["name"]: int(each["contentSize"]) for each in results},
    )


def _cohort(entity: Entity, by_id: Mapping[str, Entity]) -> CohortRecord:
    rows = [by_id[each["@id"]] for each in entity["variableMeasured"]]
    return CohortRecord(
        entity["name"],
        entity["genre"],
        entity["creativeWorkStatus"] == "synthetic",
        entity["sha256"],
        {each["name"]: int(each["value"]) for each in rows},
    )
