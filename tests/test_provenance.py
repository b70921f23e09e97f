"""The record of a report: an RO-Crate that says what went in and what came out, and nothing of who made it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from crampstudy import provenance
from crampstudy.provenance import CohortRecord, Origin, Record, digests
from crampstudy.sources import Address

CRATE = "https://w3id.org/ro/crate/1.1"
RECORD = Record(
    title="Nocturnal leg cramps",
    version="0.1.0",
    date_of_data="2025-04-04",
    origin=Origin("package:study", "ab"),
    sources=("mapped:my diary.csv?mapping=m.yaml",),
    cohorts=(CohortRecord("study", "diary", True, "cd", {"diary": 90, "participants": 3}),),
    parameters={"age_bands": [20, 60], "ci_level": 0.9, "run_in": None, "standard": "5"},
    ingredients={"notebook my own": "11", "notebook my-own": "12", "code": "13", "lock requirements.lock": "14"},
    platform=digests.python(),
    packages={"numpy": "2.1.0", "crampstudy": "0.1.0"},
    settled={"PYTHONHASHSEED": "0"},
    outputs={"report.pdf": "21", "figures/fig age.svg": "22", "estimates.csv": "23"},
    sizes={"report.pdf": 10, "figures/fig age.svg": 20, "estimates.csv": 30},
)


def written(folder: Path, record: Record) -> Path:
    (folder / provenance.MANIFEST).write_bytes(provenance.write(record))
    return folder


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    several = replace(RECORD, cohorts=(*RECORD.cohorts, CohortRecord("other", "survey", False, "ef", {})))
    for record in (RECORD, several):
        assert provenance.read(written(tmp_path, record)) == record
    assert RECORD.notebooks == ("my own", "my-own")


def test_the_record_is_a_crate_as_its_specifications_want_it() -> None:
    """What RO-Crate 1.1 and Process Run Crate 0.5 say that a crate must have."""
    crate = json.loads(provenance.write(RECORD))
    assert f"{CRATE}/context" in crate["@context"] and set(crate) == {"@context", "@graph"}
    entities = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(entities) == len(crate["@graph"]), "an @id names two entities"
    described = entities["ro-crate-metadata.json"]
    assert described["@type"] == "CreativeWork" and described["conformsTo"] == {"@id": CRATE}
    root = entities[described["about"]["@id"]]
    assert root["@id"] == "./" and root["@type"] == "Dataset"
    assert root["name"] and root["description"] and root["datePublished"] == "2025-04-04"
    assert entities[root["license"]["@id"]]["name"]
    profile = entities[root["conformsTo"]["@id"]]
    assert profile["@type"] == "CreativeWork" and profile["version"] == "0.5" and "process" in profile["@id"]
    files = [entity for entity in crate["@graph"] if entity["@type"] == "File"]
    assert {file["name"] for file in files} == {*RECORD.outputs}
    assert all(" " not in entity["@id"] for entity in crate["@graph"])
    assert root["hasPart"] == [{"@id": file["@id"]} for file in files]
    action = entities[root["mentions"]["@id"]]
    assert action["@type"] == "CreateAction" and action["result"] == root["hasPart"]
    assert entities[action["instrument"]["@id"]]["@type"] == "SoftwareApplication"
    # The graph is flat: what is referred to is an entity of it, or a web address.
    for entity in crate["@graph"]:
        assert entity["@id"] and entity["@type"]
        for value in entity.values():
            for each in value if isinstance(value, list) else [value]:
                assert not isinstance(each, dict) or set(each) == {"@id"}
                assert not isinstance(each, dict) or each["@id"] in entities or each["@id"] == CRATE


@pytest.mark.parametrize("content", [b"", b"[]", b'{"@graph": 3}', b'{"@graph": []}', b"[" * 100_000])
def test_what_is_no_record_is_no_report(tmp_path: Path, content: bytes) -> None:
    (tmp_path / provenance.MANIFEST).write_bytes(content)
    with pytest.raises(provenance.Unrecorded):
        provenance.read(tmp_path)
    assert provenance.report_above(tmp_path / "t.csv") is None


def test_a_report_of_an_earlier_version_is_known_and_replaced_by_its_source_alone(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF")
    told = {
        "format": "crampstudy-manifest-1",
        "source": {"shown": "package:study", "sha256": "ab"},
        "inputs": {"notebooks": {"frequency": "11", "sleep": "12"}},
        "outputs": {"report.pdf": {"sha256": digests.sha256(b"%PDF")}},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    assert provenance.report_above(tmp_path / "deep" / "t.csv") == tmp_path
    assert provenance.foreign(tmp_path, RECORD.origin, ()) is None
    assert "another source (package:study)" in str(provenance.foreign(tmp_path, Origin("it", "cd"), ()))
    assert "more sections (frequency)" in str(provenance.foreign(tmp_path, RECORD.origin, ("sleep",)))
    (tmp_path / "report.pdf").write_bytes(b"mine")
    assert "not as this command wrote it" in str(provenance.foreign(tmp_path, RECORD.origin, ()))


def test_an_address_is_told_without_its_places(tmp_path: Path) -> None:
    address = Address("mapped", tmp_path / "a.csv", {"mapping": str(tmp_path / "m.yaml"), "unlogged": "zero"})
    assert address.portable == "mapped:a.csv?mapping=m.yaml&unlogged=zero"
    assert Address.parse(address.portable) == Address(
        "mapped", Path("a.csv"), {"mapping": "m.yaml", "unlogged": "zero"}
    )


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("models/fit.py", "code"),
        ("report/assets/template.typ", "code"),
        ("codebook/variables.csv", "codebook"),
        ("look/fonts/Sans.otf", "fonts"),
        ("data/evidence/trials.csv", "evidence"),
    ],
)
def test_each_part_of_the_package_has_a_digest_of_its_own(tmp_path: Path, file: str, part: str) -> None:
    for name in ("models/fit.py", "codebook/variables.csv", "look/fonts/Sans.otf", "notebooks/sleep.ipynb", file):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("as it was")
    (tmp_path / "data/evidence").mkdir(parents=True, exist_ok=True)
    (tmp_path / "data/evidence/datapackage.json").write_text("{}")
    (tmp_path / "report/assets").mkdir(parents=True, exist_ok=True)
    before, numbers = digests.package_parts(tmp_path), digests.of_numbers(tmp_path)
    (tmp_path / file).write_text("changed")
    for told in (digests.package_parts, digests.of_numbers):
        told.cache_clear()
    after = digests.package_parts(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {part}
    # A template changes no number, and no model is fitted anew for it.
    assert (digests.of_numbers(tmp_path) == numbers) == file.startswith("report/")


def test_packages_are_named_as_they_are_installed(tmp_path: Path) -> None:
    for name in ("numpy-2.1.0.dist-info", "Great_Tables-0.16.dist-info", "old-1.2-py3.11.egg-info", "numpy", "x.pth"):
        (tmp_path / name).mkdir()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "numpy-1.0.dist-info").mkdir()
    found = digests.packages([str(tmp_path), str(tmp_path / "later"), str(tmp_path / "absent")])
    assert found == {"great-tables": "0.16", "numpy": "2.1.0", "old": "1.2"}
    assert digests.packages()["polars"]
