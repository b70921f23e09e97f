"""A data package in parts is the same cohort as one in whole files, and its ledger names the part."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crampstudy import compute, validation
from crampstudy.atomic_write import csv_text
from crampstudy.cleaning import Cleaned
from crampstudy.cohort import Cohort
from crampstudy.errors import SchemaError, SourceError, UsageError
from crampstudy.simulate import simulate
from crampstudy.sources import load, open_cohort
from crampstudy.sources.readers import package
from crampstudy.sources.writer import About, Format, encode, writing
from crampstudy.validation import chunked

TODAY = date(2030, 1, 1)
PEOPLE = "participant_id,age_years,sex\n01,50,female\n02,61.5,male\n"


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    drawn = simulate(30, 20, 5)
    nights = drawn.frame("diary").filter(pl.col("cramps") > 0).select("participant_id", "date", "cramps")
    episodes = nights.with_columns(episode=pl.int_ranges(1, pl.col("cramps") + 1)).explode("episode").drop("cramps")
    return Cohort("x", "diary", {**drawn.tables, "episodes": episodes}, synthetic=True)


@pytest.fixture(scope="module")
def messy(cohort: Cohort) -> dict[str, pl.DataFrame]:
    """All text, with violations of every severity, early and late in the diary."""
    text = {name: table.select(pl.all().cast(pl.String)) for name, table in cohort.tables.items()}
    row = pl.int_range(pl.len())
    diary = text["diary"].with_columns(
        cramps=pl.when(row % 17 == 3).then(pl.lit("x")).otherwise("cramps"),
        fluid_ml=pl.when(row % 23 == 5).then(pl.lit("-4")).otherwise("fluid_ml"),
        participant_id=pl.when(row % 31 == 7).then(pl.lit("nobody")).otherwise("participant_id"),
        steps=pl.when(row % 41 == 9).then(pl.lit("90000")).otherwise("steps"),
    )
    diary = pl.concat([diary, diary[10:20], diary[300:310].with_columns(cramps=pl.lit("9"))])
    people = text["participants"].with_columns(birth_year=pl.lit("1900"))
    return {**text, "participants": people, "diary": diary}


def blocks(cohort: Cohort, people: int) -> list[dict[str, pl.DataFrame]]:
    ids = cohort.frame("participants")["participant_id"]
    return [
        {name: table.filter(pl.col("participant_id").is_in(some.implode())) for name, table in cohort.tables.items()}
        for some in (ids[i : i + people] for i in range(0, len(ids), people))
    ]


def write_blocks(cohort: Cohort, folder: Path, format: Format, people: int) -> None:
    with writing(folder, About("x", synthetic=True), format, beside=["t.json"]) as out:
        for block in blocks(cohort, people):
            out.add(block)
        out.put("t.json", b"{}")


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class TestWriting:
    @pytest.mark.parametrize("format", ["csv", "parquet"])
    def test_blocks_are_the_cohort(self, cohort: Cohort, tmp_path: Path, format: Format) -> None:
        write_blocks(cohort, tmp_path / "a", format, people=4)
        back = load(tmp_path / "a")
        assert back.ledger.is_empty()
        assert back.cohort.attrition.notices == ()
        assert (back.cohort.name, back.cohort.synthetic, back.cohort.digest) == ("x", True, cohort.digest)
        assert (tmp_path / "a/t.json").read_bytes() == b"{}"

    @pytest.mark.parametrize(("format", "people"), [("csv", 4), ("parquet", 100)])
    def test_csv_blocks_and_a_single_part_give_the_bytes_of_a_whole_cohort(
        self, cohort: Cohort, tmp_path: Path, format: Format, people: int
    ) -> None:
        write_blocks(cohort, tmp_path / "a", format, people)
        package.write(cohort, tmp_path / "b", format, {"t.json": b"{}"})
        assert tree(tmp_path / "a") == tree(tmp_path / "b")

    def test_a_block_can_be_encoded_elsewhere(self, cohort: Cohort, tmp_path: Path) -> None:
        made = compute.map(partial(encode, format="parquet"), blocks(cohort, 4), workers=2)
        with writing(tmp_path / "a", About("x", synthetic=True), "parquet", beside=["t.json"]) as out:
            for block in made:
                out.add(block)
            out.put("t.json", b"{}")
        write_blocks(cohort, tmp_path / "b", "parquet", 4)
        assert tree(tmp_path / "a") == tree(tmp_path / "b")

    def test_parquet_parts_of_one_number_hold_the_same_participants(self, cohort: Cohort, tmp_path: Path) -> None:
        write_blocks(cohort, tmp_path / "a", "parquet", people=4)
        described = json.loads((tmp_path / "a/datapackage.json").read_text())
        diary = next(r["path"] for r in described["resources"] if r["name"] == "diary")
        assert diary == [f"diary/part-{n:04d}.parquet" for n in range(1, len(diary) + 1)]
        assert len(diary) == 8
        for path in diary:
            nights, people = (
                pl.read_parquet(tmp_path / "a" / path.replace("diary", t)) for t in ("diary", "participants")
            )
            assert set(nights["participant_id"]) == set(people["participant_id"])

    def test_a_package_in_parts_is_replaced_whole(self, cohort: Cohort, tmp_path: Path) -> None:
        write_blocks(cohort, tmp_path / "a", "parquet", people=4)
        write_blocks(cohort, tmp_path / "a", "csv", people=4)
        names = {f"{name}.csv" for name in cohort.tables}
        assert set(tree(tmp_path / "a")) == {"datapackage.json", "t.json", *names}

    @pytest.mark.parametrize("place", ["diary/notes.txt", "diary/part-0001.parquet/x", "mine/part-0001.parquet"])
    def test_nobodys_files_are_lost(self, cohort: Cohort, tmp_path: Path, place: str) -> None:
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text("mine")
        if place.endswith("/x"):
            (tmp_path / place).parent.rename(tmp_path / "diary/kept")
            place = "diary/kept/x"
        with pytest.raises(UsageError, match="did not write"):
            write_blocks(cohort, tmp_path, "parquet", people=4)
        assert list(tree(tmp_path)) == [place]

    def test_an_error_in_between_leaves_nothing(self, cohort: Cohort, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match=r"diary.steps is absent in this block and Int64 before"):
            self.spoilt(cohort, tmp_path / "a", lambda block: {**block, "diary": block["diary"].drop("steps")})
        with pytest.raises(SchemaError, match=r"diary.steps is String in this block"):
            changed = pl.col("steps").cast(pl.String)
            self.spoilt(cohort, tmp_path / "a", lambda b: {**b, "diary": b["diary"].with_columns(changed)})
        with pytest.raises(SchemaError, match="participant P0001 stands in two blocks"):
            self.spoilt(cohort, tmp_path / "a", lambda _: blocks(cohort, 4)[0])
        with pytest.raises(SchemaError, match="columns of diary stand in another order"):
            self.spoilt(
                cohort, tmp_path / "a", lambda b: {**b, "diary": b["diary"].select(reversed(b["diary"].columns))}
            )
        with pytest.raises(UsageError, match=r"x\.json was not announced"), writing(tmp_path / "a", About("x")) as out:
            out.put("x.json", b"")
        assert list(tmp_path.iterdir()) == []

    @staticmethod
    def spoilt(cohort: Cohort, folder: Path, spoil: Any) -> None:
        first, second, *_ = blocks(cohort, 4)
        with writing(folder, About("x"), "parquet") as out:
            out.add(first)
            out.add(spoil(second))

    def test_nothing_to_write(self, tmp_path: Path) -> None:
        with pytest.raises(SchemaError, match="no block had any"), writing(tmp_path / "a", About("x")):
            pass
        assert list(tmp_path.iterdir()) == []


def package_of(folder: Path, texts: dict[str, str | bytes | pl.DataFrame], **own: Any) -> Path:
    """Write files and a descriptor that names them as the parts of the diary, in their order."""
    for name, content in {"participants.csv": PEOPLE, **texts}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    resources = [{"name": "participants", "path": "participants.csv"}, {"name": "diary", "path": list(texts), **own}]
    (folder / "datapackage.json").write_text(json.dumps({"resources": resources}))
    return folder


def said(loaded: Cleaned) -> list[tuple[Any, ...]]:
    return loaded.ledger.select("file", "line", "column", "value", "rule").rows()


HEAD = "participant_id,date,cramps,note\n"


class TestText:
    def test_lines_are_those_of_the_part(self, tmp_path: Path) -> None:
        texts: dict[str, Any] = {
            "d/b.csv": f"{HEAD}01,2024-01-01,2,a\n01,2024-01-02,x,b\n",
            "d/a.csv": HEAD,
            "d/c.csv": f"\n{HEAD}01,2024-01-03,y,a\n\n01,2024-01-03,y,a\n02,2024-01-01,1,b\n",
            "last.csv": f"{HEAD}01,2024-01-02,0,a\n02,2024-02-30,1,b\n",
        }
        loaded = load(package_of(tmp_path, texts))
        assert said(loaded) == [
            ("d/b.csv", 3, "cramps", "x", "type"),
            ("d/c.csv", 3, "cramps", "y", "type"),
            ("d/c.csv", 5, "cramps", "y", "type"),
            ("last.csv", 3, "date", "2024-02-30", "type"),
        ]
        rows = validation.rejects(loaded)["row"].to_list()
        assert [json.loads(row)["date"] for row in rows] == ["2024-01-02", "2024-01-03", "2024-01-03", "2024-02-30"]
        assert all("__" not in row for row in rows)
        counts = loaded.cohort.attrition.tables[1]
        assert (counts.file, counts.read, counts.accepted) == ("diary (4 files)", 7, 3)
        assert loaded.cohort.frame("diary")["note"].to_list() == ["a", "b", "a"]

    def test_a_night_in_two_parts_is_a_duplicate(self, tmp_path: Path) -> None:
        texts: dict[str, Any] = dict.fromkeys(("1.csv", "2.csv"), f"{HEAD}01,2024-01-01,2,a\n")
        assert said(load(package_of(tmp_path, texts)))[0][:2] == ("2.csv", 2)

    def test_parts_may_differ_in_their_order_of_columns_and_their_decimal_mark(self, tmp_path: Path) -> None:
        texts: dict[str, Any] = {
            "1.csv": "participant_id,date,cramps,alcohol_units\n01,2024-01-01,2,1.5\n01,2024-01-02,0,2000.5\n",
            "2.csv": "date;participant_id;alcohol_units;cramps\n2024-01-03;01;2,5;1\n2024-01-04;01;x;1\n",
        }
        loaded = load(package_of(tmp_path, texts))
        assert loaded.cohort.frame("diary")["alcohol_units"].to_list() == [1.5, None, 2.5, None]
        assert said(loaded) == [
            ("1.csv", 3, "alcohol_units", "2000.5", "range"),
            ("2.csv", 3, "alcohol_units", "x", "type"),
        ]

    def test_own_columns_have_one_type(self, tmp_path: Path) -> None:
        texts: dict[str, Any] = {"1.csv": f"{HEAD}01,2024-01-01,2,1\n", "2.csv": f"{HEAD}01,2024-01-02,2,0.5\n"}
        loaded = load(package_of(tmp_path, texts))
        assert loaded.cohort.frame("diary")["note"].to_list() == [1.0, 0.5]
        (notice,) = loaded.cohort.attrition.notices
        assert notice == "diary (2 files): the codebook does not know the column note; kept as number"

    def test_other_columns_name_the_part(self, tmp_path: Path) -> None:
        texts: dict[str, Any] = {
            "d/1.csv": f"{HEAD}01,2024-01-01,2,1\n",
            "d/2.csv": "participant_id,date,cramps\n1,2,3\n",
        }
        with pytest.raises(SourceError, match=r"d/2\.csv has other columns than d/1\.csv: d/2\.csv lacks note"):
            load(package_of(tmp_path, texts))

    def test_text_and_parquet_do_not_go_together(self, tmp_path: Path) -> None:
        texts: dict[str, Any] = {"1.csv": f"{HEAD}01,2024-01-01,2,1\n", "2.parquet": pl.DataFrame({"a": [1]})}
        with pytest.raises(SourceError, match="part text and part Parquet"):
            load(package_of(tmp_path, texts))

    def test_all_rows_rejected(self, tmp_path: Path) -> None:
        texts: dict[str, Any] = {name: f"{HEAD}09,2024-01-0{name[0]},2,a\n" for name in ("1.csv", "2.csv")}
        with pytest.raises(SourceError, match=r"diary \(2 files\): all 2 rows were rejected; the first, line 2"):
            load(package_of(tmp_path, texts))


NIGHTS = pl.DataFrame(
    {"participant_id": ["01", "01"], "date": [date(2024, 1, 1), date(2024, 1, 2)], "cramps": [1, 0], "own": [1, 2]}
)


class TestParquet:
    def test_types_are_what_holds_all(self, tmp_path: Path) -> None:
        later = NIGHTS.with_columns(
            pl.col("date").dt.offset_by("1mo"), pl.col("cramps").cast(pl.Int16), own=pl.Series([0.5, None])
        )
        source = package_of(tmp_path, {"1.parquet": NIGHTS, "2.parquet": later})
        frame = open_cohort(source).frame("diary")
        assert frame["own"].to_list() == [1.0, 2.0, 0.5, None]
        assert frame["cramps"].to_list() == [1, 0, 1, 0]
        summary = chunked.validate(source, today=TODAY, large=0)
        assert summary
        assert summary.tables[1].accepted == 4

    @pytest.mark.parametrize("how", ["whole", "in parts"])
    def test_other_columns_and_types_name_the_part(self, tmp_path: Path, how: str) -> None:
        def refused(other: pl.DataFrame) -> str:
            source = package_of(tmp_path, {"1.parquet": NIGHTS, "2.parquet": other})
            with pytest.raises(SourceError) as caught:
                load(source) if how == "whole" else chunked.validate(source, large=0)
            return str(caught.value)

        assert "2.parquet has other columns than 1.parquet: 1.parquet lacks new" in refused(
            NIGHTS.with_columns(new=pl.lit(1))
        )
        assert "2.parquet: the column date has type" in refused(NIGHTS.with_columns(date=pl.lit(True)))

    def test_a_messy_diary_says_the_same_in_one_file_and_in_many(
        self, messy: dict[str, pl.DataFrame], tmp_path: Path
    ) -> None:
        """Cut anywhere, in the middle of a participant too."""
        ends = [0, 7, 7, 200, 333, messy["diary"].height]
        names = [f"diary/{n}.parquet" for n in range(len(ends) - 1)]
        for folder in ("one", "many"):
            (tmp_path / folder).mkdir()
            for name in ("participants", "episodes"):
                messy[name].write_parquet(tmp_path / folder / f"{name}.parquet")
        messy["diary"].write_parquet(tmp_path / "one/diary.parquet")
        (tmp_path / "many/diary").mkdir()
        for name, start, end in zip(names, ends, ends[1:], strict=False):
            messy["diary"][start:end].write_parquet(tmp_path / "many" / name)
        resources = [{"name": name, "path": f"{name}.parquet"} for name in ("participants", "episodes")]
        content = {"name": "one", "resources": [*resources, {"name": "diary", "path": names}]}
        (tmp_path / "many/datapackage.json").write_text(json.dumps(content))
        one, many = (load(tmp_path / folder, today=TODAY) for folder in ("one", "many"))
        assert many.cohort.digest == one.cohort.digest
        assert many.ledger.drop("file", "line").equals(one.ledger.drop("file", "line"))
        start = dict(zip(names, ends, strict=False))
        running = [
            (start[file] + line) if file in start else line for file, line in many.ledger.select("file", "line").rows()
        ]
        assert running == one.ledger["line"].to_list()
        assert len(set(one.ledger["rule"])) > 6
        assert set(many.ledger["file"]) >= set(names[2:])
        assert validation.rejects(many)["row"].to_list() == validation.rejects(one)["row"].to_list()
        summary = chunked.validate(tmp_path / "many", today=TODAY, large=0, size=100, rejects=tmp_path / "rejects.csv")
        assert summary == dataclasses.replace(validation.summarise(many), digest=None)
        rejects = csv_text(validation.rejects(many)).splitlines()
        assert sorted((tmp_path / "rejects.csv").read_text().splitlines()) == sorted(rejects)
