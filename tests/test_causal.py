"""What to adjust for: graphs worked out by hand, all small graphs by brute force, graph files, and the study's own."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from crampstudy import causal, codebook, fit
from crampstudy.causal import Arrow, CausalGraph, CausalNode, adjustment_set, conditioning
from crampstudy.causal.adjustment import BackDoor
from crampstudy.causal.conditioning import open_path
from crampstudy.causal.graph import descendants
from crampstudy.cli import app
from crampstudy.cohort import Cohort
from crampstudy.errors import SourceError, UsageError
from crampstudy.simulate import Truth, simulate
from crampstudy.simulate.truth import causal_graph
from crampstudy.sources.readers import package

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "causal-graph.md").read_text(encoding="utf-8")


def graph(arrows: str, persons: str = "") -> CausalGraph:
    """A graph of arrows such as ``c>x c>y``; all nodes are of nights but those of ``persons``."""
    pairs = [tuple(arrow.split(">")) for arrow in arrows.split()]
    names = dict.fromkeys(name for pair in pairs for name in pair)
    nodes = tuple(CausalNode(name, "person" if name in persons else "night", name, (name,)) for name in names)
    return CausalGraph("the graph", nodes, tuple(Arrow(cause, effect, "-") for cause, effect in pairs))


@pytest.mark.parametrize(
    ("arrows", "measured", "columns", "missing"),
    [
        ("x>y", "xy", "", ""),
        # A confounder, an unmeasured one, and what stands for it on every path.
        ("c>x c>y x>y", "cxy", "c", ""),
        ("c>x c>y x>y", "xy", "", "c"),
        ("c>x c>y d>x d>y x>y", "dxy", "d", "c"),
        ("u>c c>x u>y x>y", "cxy", "c", ""),
        ("u>x u>c c>y x>y", "cxy", "c", ""),
        # A mediator and a collider are left alone, an instrument needs nothing.
        ("x>m m>y", "xmy", "", ""),
        ("x>y x>k y>k", "xyk", "", ""),
        ("z>x x>y", "xyz", "", ""),
        # M-bias: adjusting for m would open what is closed.
        ("a>m b>m a>x b>y x>y", "mxy", "", ""),
        # The butterfly: m confounds as well, so that one of its causes is needed beside it.
        ("a>m b>m a>x b>y m>x m>y x>y", "amxy", "am", ""),
        ("a>m b>m a>x b>y m>x m>y x>y", "mxy", "m", "b"),
        # What the exposure causes is no covariate, though it stands on an open path.
        ("u>y u>d x>d x>y", "xyd", "", ""),
        ("u>x u>d d>y x>d", "xyd", "", "u"),
    ],
)
def test_by_hand(arrows: str, measured: str, columns: str, missing: str) -> None:
    found = adjustment_set("x", "y", [*measured], graph(arrows))
    assert found.columns == tuple(columns)
    assert tuple(node.name for node in found.missing) == tuple(missing)
    assert found.sufficient == (not missing)


def test_an_effect_in_the_other_direction() -> None:
    found = adjustment_set("x", "y", "xyc", graph("y>m m>x c>x c>y"))
    assert (found.sufficient, found.backwards, found.missing) == (False, True, ())
    assert found.sentence == "under the graph y comes before x, so there is no effect to adjust"
    assert conditioning(["c"], "x", "y", graph("y>m m>x c>x c>y")) == (found.sentence,)


def test_within_persons_what_is_of_the_person_is_held() -> None:
    shape = graph("c>x c>y n>x n>y x>y", persons="c")
    assert adjustment_set("x", "y", "nxy", shape).missing[0].name == "c"
    within = adjustment_set("within(x)", "y", "nxy", shape)
    assert within.columns == ("n",)
    assert within.sentence == "compared within persons, adjusted for n: sufficient under the graph"
    # Habits shape the person, but a night's deviation does not: p is none of its consequences.
    shaped = graph("x>p p>y x>y p>k x>k", persons="p")
    assert adjustment_set("within(x)", "y", "xyp", shaped).columns == ()
    assert "mediator" in conditioning(["p"], "x", "y", shaped)[1]
    assert conditioning(["p"], "within(x)", "y", shaped)[1:] == ()
    with pytest.raises(UsageError, match=r"c is of a person and does not differ within one; leave within\(\) out"):
        adjustment_set("within(c)", "y", "c", shape)


@pytest.mark.parametrize(
    ("arrows", "terms", "said"),
    [
        ("x>m m>y", "m", "m is a mediator, so that part of the effect is taken away: x -> m -> y"),
        ("x>a a>m m>y", "m", "m is a mediator, so that part of the effect is taken away: x -> a -> m -> y"),
        ("x>m m>y m>s", "s", "s shows a mediator, so that part of the effect is taken away: x -> m -> s"),
        ("x>y y>k", "k", "k is caused by the outcome: y -> k"),
        ("x>y x>k u>k u>y", "k", "k is a collider, which opens a path that was closed: x -> k <- u -> y"),
        ("x>k k>d u>k u>y x>y", "d", "d is a collider, which opens a path that was closed: x -> k -> d <- k <- u -> y"),
        (
            "a>m b>m a>x b>y x>y",
            "m",
            "m is a collider, which opens a path that was closed: x <- a -> m <- b -> y",
        ),
        ("a>m b>m a>x b>y x>y c>x c>y", "cm", "m is a collider, which opens a path that was closed"),
        # Neither the M with a parent held, an instrument, a child of the exposure alone, nor a cause of the outcome.
        ("a>m b>m a>x b>y x>y", "am", None),
        ("z>x x>y", "z", None),
        ("x>y x>k", "k", None),
        ("x>y q>y", "q", None),
        ("c>x c>y x>y", "c", None),
    ],
)
def test_what_a_formula_conditions_on(arrows: str, terms: str, said: str | None) -> None:
    warnings = conditioning([*terms, "x"], "x", "y", graph(arrows))[1:]
    assert len(warnings) == (said is not None)
    assert said is None or warnings[0].startswith(said)


def test_whether_a_formula_suffices() -> None:
    shape = graph("c>x c>y d>x d>y u>x u>y x>y")
    about = "under the graph for the effect of x on y"
    assert conditioning("cdu", "x", "y", shape) == (f"sufficient {about}",)
    lacks = f"not sufficient {about}, lacks d, which the cohort has"
    assert conditioning("cu", "x", "y", shape, measured="cdxyu") == (lacks,)
    assert conditioning("c", "x", "y", shape, measured="cdxy") == (
        f"not sufficient {about}, lacks d, which the cohort has, and u",
    )
    # What the graph does not know is passed over.
    assert conditioning(["c", "d", "u", "my_own"], "x", "y", shape) == (f"sufficient {about}",)


def test_what_a_term_holds(tmp_path: Path) -> None:
    shape = graph("c>x c>y x>y")
    for terms, exposure, enough in (
        (["within(x)", "c"], "within(x)", True),
        (["within(x)", "within(c)", "between(c)"], "within(x)", True),
        (["within(x)", "between(c)"], "within(x)", False),
        (["between(x)", "between(c)"], "between(x)", True),
        (["between(x)", "within(c)"], "between(x)", False),
        (["x", "mean_last(c, 7)"], "x", True),
        (["x", "lag(c, 1)"], "x", False),
    ):
        said = conditioning(terms, exposure, "y", shape)[0]
        assert said.startswith("sufficient" if enough else "not sufficient"), terms
    # Columns that show a node together hold it together, and one of its names is enough.
    season = causal.read(written(tmp_path, GOOD))
    for columns, enough in ((["season_cos"], False), (["season_cos", "season_sin"], True), (["exam_season"], True)):
        said = conditioning(["shift_work", *columns], "fluid_ml", "cramps", season)[0]
        assert said.startswith("sufficient" if enough else "not sufficient"), columns


NAMES = "abcdxy"


@st.composite
def small_graphs(draw: st.DrawFn) -> CausalGraph:
    order = draw(st.permutations(NAMES))
    possible = list(combinations(order, 2))
    chosen = draw(st.lists(st.sampled_from(possible), unique=True, min_size=1, max_size=10))
    nodes = tuple(CausalNode(name, "night", name, (name,)) for name in NAMES)
    return CausalGraph("the graph", nodes, tuple(Arrow(*pair, "-") for pair in chosen))


def paths(pairs: Collection[tuple[str, str]], way: tuple[str, ...], end: str) -> Iterator[tuple[str, ...]]:
    """Every path without a node twice, whichever way its arrows point."""
    if way[-1] == end:
        yield way
        return
    for one, other in pairs:
        following = other if one == way[-1] else one if other == way[-1] else None
        if following is not None and following not in way:
            yield from paths(pairs, (*way, following), end)


def is_open(pairs: Collection[tuple[str, str]], way: Sequence[str], held: frozenset[str]) -> bool:
    for before, at, after in zip(way, way[1:], way[2:], strict=False):
        meet = (before, at) in pairs and (after, at) in pairs
        if meet and not held & ({at} | descendants(pairs, at)):
            return False
        if not meet and at in held:
            return False
    return True


def separated(pairs: Collection[tuple[str, str]], held: frozenset[str]) -> bool:
    return not any(is_open(pairs, way, held) for way in paths(pairs, ("x",), "y"))


@settings(max_examples=60, deadline=None)
@given(small_graphs(), st.sets(st.sampled_from("abcd")))
def test_sets_against_brute_force(made: CausalGraph, measured: set[str]) -> None:
    pairs = made.pairs()
    found = adjustment_set("x", "y", {*measured, "x", "y"}, made)
    if "x" in descendants(pairs, "y"):
        assert found.backwards
        return
    back = made.pairs(without="x")
    allowed = measured - descendants(pairs, "x")
    subsets = chain.from_iterable(combinations(sorted(allowed), n) for n in range(len(allowed) + 1))
    enough = [frozenset(chosen) for chosen in subsets if separated(back, frozenset(chosen))]
    assert found.sufficient == bool(enough)
    if not found.sufficient:
        more = frozenset(node.name for node in found.missing)
        assert more and not more & measured
        with_more = adjustment_set("x", "y", {*measured, *more, "x", "y"}, made)
        assert with_more.sufficient and {*found.columns} == {*with_more.columns} - more
        for name in more:
            assert not adjustment_set("x", "y", {*measured, *(more - {name}), "x", "y"}, made).sufficient
        return
    chosen = frozenset(found.columns)
    assert chosen in enough
    assert not any(separated(back, chosen - {name}) for name in chosen)
    assert list(found.columns) == [node.name for node in made.nodes if node.name in chosen]


@settings(max_examples=60, deadline=None)
@given(small_graphs(), st.sets(st.sampled_from("abcd")), st.sets(st.sampled_from("abcd")))
def test_there_is_a_set_where_a_minimal_one_is_found(made: CausalGraph, allowed: set[str], included: set[str]) -> None:
    if "x" in descendants(made.pairs(), "y"):
        return
    ask = BackDoor.of(made, "x", "y")
    assert ask.has_set(allowed, included) == (ask.set_of(allowed, included) is not None)


@settings(max_examples=60, deadline=None)
@given(small_graphs(), st.sets(st.sampled_from("abcd")))
def test_open_paths_against_brute_force(made: CausalGraph, held: set[str]) -> None:
    pairs = made.pairs()
    way = open_path(pairs, "x", "y", held)
    assert (way is None) == separated(pairs, frozenset(held))
    if way is not None:
        names, signs = way.split(" ")[::2], way.split(" ")[1::2]
        assert (names[0], names[-1]) == ("x", "y")
        for one, sign, other in zip(names, signs, names[1:], strict=False):
            assert ((one, other) if sign == "->" else (other, one)) in pairs


@settings(max_examples=40, deadline=None)
@given(small_graphs(), st.sets(st.sampled_from("abcd")))
def test_a_formula_suffices_where_it_separates(made: CausalGraph, held: set[str]) -> None:
    pairs = made.pairs()
    if "x" in descendants(pairs, "y"):
        return
    first = conditioning(held, "x", "y", made)[0]
    covariates = frozenset(held) - descendants(pairs, "x")
    assert first.startswith("sufficient") == separated(made.pairs(without="x"), covariates)


# Graph files.

GOOD = """
version: 1
name: our graph
nodes:
  shift_work: {of: person, meaning: nights at work}
  season: {of: night, meaning: time of the year, measured_by: ["season_cos + season_sin", exam_season]}
arrows:
  - from: [shift_work, season]
    to: [[fluid_ml], [cramps]]
    reason: ours
    citation: us
  - {from: fluid_ml, to: cramps, reason: the question}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "graph.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_graph_of_one_s_own(tmp_path: Path) -> None:
    made = causal.read(written(tmp_path, GOOD))
    assert [node.name for node in made.nodes] == ["shift_work", "fluid_ml", "cramps", "season"]
    assert [node.of for node in made.nodes] == ["person", "night", "night", "night"]
    assert made.arrows[0] == Arrow("shift_work", "fluid_ml", "ours", "us")
    assert made.arrows[-1] == Arrow("fluid_ml", "cramps", "the question")
    lacks = adjustment_set("fluid_ml", "cramps", {"fluid_ml", "cramps", "season_cos"}, made)
    assert [node.name for node in lacks.missing] == ["shift_work", "season"]
    both = {"fluid_ml", "cramps", "season_cos", "season_sin", "shift_work"}
    assert adjustment_set("fluid_ml", "cramps", both, made).columns == ("shift_work", "season_cos + season_sin")
    survey = adjustment_set("recall_water_ml", "any_cramp", {"exam_season"}, causal.study())
    assert survey.exposure == "recall_water_ml"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 1", "version: 2", "version: '2' is not a version that this package reads; allowed: 1"),
        ("version: 1\n", "", "top: the key 'version' is missing"),
        ("name: our graph", "title: x", "top: unknown key 'title'"),
        ("to: cramps,", "to: [],", None),
        (
            "from: fluid_ml,",
            "from: fluid,",
            "arrows[2].from: neither the codebook nor nodes has 'fluid'; did you mean ",
        ),
        ("[[fluid_ml], [cramps]]", "[[fluid_ml], [cramp]]", "arrows[1].to[2][1]: neither the codebook nor nodes has"),
        ("from: fluid_ml,", "from: remedy,", "arrows[2].from: 'remedy' is a column of episodes; a node is of a person"),
        ("from: fluid_ml,", "from: cramps,", "arrows[2].to: cramps would cause itself"),
        ("from: fluid_ml,", "from: season,", "arrows[2].to: the arrow season -> cramps stands twice"),
        ("to: cramps,", "to: shift_work,", "arrows: causes go round in a circle: "),
        (", reason: the question", "", "arrows[2]: the key 'reason' is missing"),
        ("reason: ours", "because: ours", "arrows[1]: unknown key 'because'"),
        ("of: person,", "of: people,", "nodes.shift_work.of: 'people' is not allowed; allowed: person, night"),
        (
            ", meaning: nights at work",
            "",
            "nodes.shift_work: the codebook has no variable 'shift_work', so it needs of",
        ),
        ("[shift_work, season]", "[season]", "nodes.shift_work: no arrow names shift_work"),
        ("exam_season]", "cramps]", "nodes.season: cramps is a node of its own and cannot measure season too"),
        ("arrows:", "arrows: 3\nnodes2:", "top: unknown key 'nodes2'"),
    ],
)
def test_every_complaint_says_where(tmp_path: Path, old: str, new: str, said: str | None) -> None:
    path = written(tmp_path, GOOD.replace(old, new))
    assert old in GOOD
    if said is None:
        # No arrow is drawn to nobody, and the others stand.
        assert len(causal.read(path).arrows) == 4
        return
    with pytest.raises(SourceError) as refused:
        causal.read(path)
    assert str(refused.value).startswith(f"{path}, {said}")


def test_files_that_are_no_graph(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no graph file"):
        causal.read(tmp_path / "none.yaml")
    for text in ("a: [", "\x00", "&a [*a]"):
        with pytest.raises(SourceError, match="is not a causal graph in YAML, UTF-8"):
            causal.read(written(tmp_path, text))
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    with pytest.raises(SourceError, match="is not a causal graph in YAML, UTF-8"):
        causal.read(tmp_path / "latin.yaml")
    for text in ("- 1", "version: 1\narrows: []", "version: 1\narrows: {a: b}"):
        with pytest.raises(SourceError, match=r"(expected|there is no arrow)"):
            causal.read(written(tmp_path, text))
    level = GOOD.replace("nodes:", "nodes:\n  fluid_ml: {of: person}")
    with pytest.raises(SourceError, match=r"nodes\.fluid_ml\.of: fluid_ml is of a night in the codebook; leave of out"):
        causal.read(written(tmp_path, level))


@pytest.mark.parametrize(
    ("term", "plain"),
    [
        ("fluid_ml", "fluid_ml"),
        ("within(fluid_ml)", "fluid_ml"),
        ("within(`fluid_ml`, leave_out=True)", "fluid_ml"),
        ("between(fluid_ml)", "fluid_ml"),
        ("mean_last(fluid_ml, 7)", "fluid_ml"),
        ("load_ratio(exercise_min)", "exercise_min"),
        ("lag(fluid_ml, 0)", "fluid_ml"),
        ("lag(fluid_ml, 1)", "lag(fluid_ml,1)"),
        ("lag(within(fluid_ml), 1)", "lag(fluid_ml,1)"),
        ("within(lag(fluid_ml, 2))", "lag(fluid_ml,2)"),
        ("lead(fluid_ml, 1)", "lead(fluid_ml,1)"),
    ],
)
def test_which_column_a_term_is_of(term: str, plain: str) -> None:
    assert causal.plain(term) == plain


def test_a_term_shows_its_node() -> None:
    study = causal.study()
    assert study.node("age_decade").name == "age_years"
    assert study.node("lag(within(alcohol_units), 1)").name == "alcohol_before"
    assert study.node("season_sin").name == "season"
    assert study.shown_by("lag(alcohol_units, 2)") == ()
    with pytest.raises(UsageError, match=r"the study's graph has no node 'alcohol'; did you mean alcohol_units"):
        study.node("alcohol")
    # What shows the outcome is not meant by what is adjusted for it.
    with pytest.raises(UsageError, match="no node 'cramp'") as refused:
        adjustment_set("cramp", "cramps", ())
    assert refused.value.correction is None or refused.value.correction[1] not in study.node("cramps").known_as
    with pytest.raises(UsageError, match="age_decade and age_years are the same to the study's graph"):
        adjustment_set("age_decade", "age_years", ())


# The study's own graph.


def test_the_study_s_graph_is_whole() -> None:
    study = causal.study()
    assert all(len(arrow.reason) > 15 for arrow in study.arrows)
    names = {node.name for node in study.nodes}
    asked = {made.name for made in codebook.laboratory.reference_ranges()}
    assert asked - names == {"serum_chloride_mmol_l", "serum_bicarbonate_mmol_l"}
    assert {c.name for c in codebook.contrasts.declared()} <= {c for n in study.nodes for c in n.measured_by}
    # What comes after cramps in a night is what the codebook says it is.
    after = descendants(study.pairs(), "cramps")
    diary = {v.name for v in codebook.variables("diary")} - {"cramps"}
    assert after & diary == {name for name in diary if codebook.can_move("cramps", name)}
    assert after <= diary


DIARY = {v.name for table in ("participants", "diary", "derived") for v in codebook.variables(table)}
SURVEY = {v.name for v in codebook.variables("participants") if v.source} | {
    *("age_decade", "any_cramp", "serum_calcium_corrected_mmol_l")
}


@pytest.mark.parametrize(
    ("exposure", "columns"),
    [
        ("within(alcohol_units)", "stress_0_10 weekend_night lag(alcohol_units,1) season_cos+season_sin"),
        ("within(fluid_ml)", "alcohol_units dietary_sodium_mg exercise_min ambient_temperature_c electrolyte_drink"),
        ("within(electrolyte_drink)", "alcohol_units dietary_sodium_mg exercise_min ambient_temperature_c fluid_ml"),
        ("within(supplement_magnesium_mg)", "lag(cramps,1)"),
        (
            "serum_potassium_mmol_l",
            "chronic_kidney_disease diuretic_class serum_magnesium_mmol_l dietary_potassium_mg laba",
        ),
        ("vitamin_b12_pmol_l", "age_years sex"),
        ("diabetes", "age_years sex bmi_kg_m2"),
    ],
)
def test_what_to_adjust_for_in_a_diary(exposure: str, columns: str) -> None:
    found = adjustment_set(exposure, "cramps", DIARY)
    assert found.sufficient
    assert {column.replace(" ", "") for column in found.columns} == set(columns.split())


@pytest.mark.parametrize(
    ("exposure", "columns"),
    [
        ("phq9_0_27", "age_years sex education bmi_kg_m2 diabetes heart_failure arthritis"),
        # Low mood shortens sleep, and is no part of what short sleep does.
        ("usual_sleep_hours", "age_years sex education bmi_kg_m2 arthritis smoking phq9_0_27"),
    ],
)
def test_what_to_adjust_for_in_a_survey(exposure: str, columns: str) -> None:
    found = adjustment_set(exposure, "any_cramp", SURVEY)
    assert found.sufficient and set(found.columns) == set(columns.split())


def test_what_is_missing() -> None:
    by_habit = adjustment_set("supplement_magnesium_mg", "cramps", DIARY)
    assert [node.name for node in by_habit.missing] == ["disposition"]
    assert by_habit.sentence == (
        "adjusted for age_years, sex and cramps_before (lag(cramps, 1)): no sufficient set among what was measured, "
        "which under the study's graph lacks disposition"
    )
    # Of a survey without magnesium the message says so; total calcium alone is not the calcium that acts.
    potassium = adjustment_set("serum_potassium_mmol_l", "any_cramp", SURVEY)
    assert {node.name for node in potassium.missing} == {"serum_magnesium_mmol_l"}
    total = adjustment_set(
        "serum_calcium_mmol_l", "cramps", DIARY - {"serum_albumin_g_l", "serum_calcium_corrected_mmol_l"}
    )
    assert [node.name for node in total.missing] == ["serum_calcium_corrected_mmol_l"]
    assert adjustment_set("awakenings", "cramps", DIARY).backwards


def arrows_of_the_simulator(truth: Truth) -> set[tuple[str, str]]:
    """The arrows of a truth, by the names of the study's graph: what its tables let act on what, by day and person."""
    gates = {"alcohol_day": "alcohol_units", "exercise_day": "exercise_min", "stretching_day": "stretch_calf_min"}
    study = causal.study()

    def name(column: str) -> str:
        found = study.shown_by(gates.get(column, column))
        return found[0].name if found else column

    columns = [(cause, column) for column, of in causal_graph.parents(truth).items() for cause in of]
    columns += [(effect.column, "cramps") for effect in truth.effects if effect.log_rate_ratio]
    columns += [("weekend_night", habit.column) for habit in truth.habits if habit.weekend]
    columns += [("season_cos", habit.column) for habit in truth.habits if habit.season]
    columns += [("season_cos", measure.column) for measure in truth.measures if measure.season]
    named = {(name(cause), name(effect)) for cause, effect in columns}
    known = {node.name for node in study.nodes}
    return {pair for pair in named if pair[0] != pair[1] and set(pair) <= known}


def every(causes: str, effects: str) -> set[tuple[str, str]]:
    return {(cause, effect) for cause in causes.split() for effect in effects.split()}


SIMULATOR_ALONE = {
    "signs act there by themselves, here the nerves do": every("numbness twitching", "cramps"),
    "tests and signs vary with age and sex there beside their disease, which confounds nothing here": (
        every(
            "age_years", "ankle_brachial_index discoloration exertional_leg_pain numbness swelling twitching tsh_miu_l"
        )
        | every("sex", "ankle_brachial_index swelling tsh_miu_l")
    ),
    "old and young eat differently there by themselves, here by how much they eat": every(
        "age_years sex", "dietary_magnesium_mg dietary_potassium_mg dietary_calcium_mg dietary_sodium_mg"
    ),
    "an underactive thyroid is drawn there before any thyroid disease, which holds it": {
        ("hypothyroidism", "thyroid_disease")
    },
    "there season makes people drink, here heat does, by thirst": every("season", "fluid_ml electrolyte_drink"),
}
_MINERALS = "dietary_magnesium_mg dietary_potassium_mg dietary_calcium_mg dietary_sodium_mg"
_SERUM = "serum_sodium_mmol_l serum_potassium_mmol_l serum_magnesium_mmol_l serum_phosphate_mmol_l"
_VITAMINS = "vitamin_d_nmol_l vitamin_b1_nmol_l vitamin_b6_nmol_l vitamin_b12_pmol_l"
_NEXT_DAY = "fatigue_0_10 concentration_0_10 productivity_0_10"
NOT_DRAWN = {
    *("disposition", "spell", "health_awareness", "energy_intake", "thirst", "serum_calcium_corrected_mmol_l"),
    *("cramps_before", "sleep_before", "alcohol_before", "exercise_before", "phq9_0_27"),
    *("potassium", "calcium", "vitamin_k2", "tens", "botulinum_toxin", "quinine"),
}
"""What the simulator has no column of: treatments stand in periods, the night before acts by lags of its effects."""
STUDY_ALONE = {
    "here some diseases of the thyroid leave it underactive": {("thyroid_disease", "hypothyroidism")},
    "the default truth gives these no effect on cramps, by the evidence; a claim is still a question": (
        every(f"{_SERUM} {_VITAMINS} dietary_magnesium_mg dietary_calcium_mg dietary_sodium_mg", "cramps")
        | every("supplement_magnesium_mg fluid_ml electrolyte_drink warm_up exercise_rpe strength_min", "cramps")
        | every("low_impact_min steps sitting_breaks mindfulness_min stress_0_10 season hours_in_bed", "cramps")
        | every("stretch_hamstring_min stretch_hip_flexor_min ambient_temperature_c", "cramps")
    ),
    "what is eaten and taken does not reach the blood there": (
        every("dietary_magnesium_mg supplement_magnesium_mg alcohol_units", "serum_magnesium_mmol_l")
        | {("dietary_potassium_mg", "serum_potassium_mmol_l"), ("dietary_sodium_mg", "serum_sodium_mmol_l")}
        | every("alcohol_units", "vitamin_b1_nmol_l vitamin_b6_nmol_l hypertension")
        | every("dietary_sodium_mg", "hypertension fluid_ml")
    ),
    "levels in the blood are tied by correlations there, here by causes": (
        every("serum_magnesium_mmol_l", "serum_potassium_mmol_l")
        | {("serum_albumin_g_l", "serum_calcium_mmol_l"), ("crp_mg_l", "serum_albumin_g_l")}
        | {("vitamin_d_nmol_l", "serum_phosphate_mmol_l"), ("laba", "serum_potassium_mmol_l")}
        | every("pregnancy_trimester", "serum_albumin_g_l serum_magnesium_mmol_l")
        | every("chronic_kidney_disease", "serum_sodium_mmol_l serum_magnesium_mmol_l vitamin_d_nmol_l")
        | every("bmi_kg_m2", "vitamin_d_nmol_l hba1c_mmol_mol")
        | every("smoking", "vitamin_b6_nmol_l crp_mg_l")
        | every("moderate_activity vigorous_activity", "vitamin_d_nmol_l")
    ),
    "the simulator's tables of conditions are shorter": (
        every("age_years", "bmi_kg_m2 smoking vitamin_d_nmol_l serum_magnesium_mmol_l serum_phosphate_mmol_l")
        | every("sex", "bmi_kg_m2 smoking hypertension chronic_kidney_disease peripheral_artery_disease")
        | every("sex", f"moderate_activity serum_magnesium_mmol_l {_VITAMINS.replace('vitamin_b12_pmol_l', '')}")
        | every("hba1c_mmol_mol chronic_kidney_disease", "neuropathy")
        | every("vitamin_b1_nmol_l vitamin_b6_nmol_l vitamin_b12_pmol_l", "neuropathy")
        | every("heart_failure chronic_kidney_disease", "diuretic_class")
        | every("education", "smoking moderate_activity usual_activity")
        | every("joint_pain_0_10", "moderate_activity vigorous_activity stretch_calf_min")
    ),
    "habits differ there by chance alone, not by person's age, work or mood, nor by one another": (
        every("age_years sex", "steps stretch_calf_min supplement_magnesium_mg nocturia")
        | every("sex", "fluid_ml sitting_min")
        | every("moderate_activity vigorous_activity usual_activity", "exercise_min low_impact_min steps strength_min")
        | every("vigorous_activity usual_activity", "sitting_min")
        | every(
            "exercise_min", "exercise_rpe warm_up steps stretch_calf_min stretch_hamstring_min stretch_hip_flexor_min"
        )
        | every("sitting_min", "steps sitting_breaks")
        | every("ambient_temperature_c", "exercise_min sleep_quality_0_10")
        | every("season", "ambient_temperature_c")
        | every("mindfulness_min", "stress_0_10")
        | every("stress_0_10", "alcohol_units sleep_latency_min sleep_quality_0_10")
    ),
    "usual sleep acts on nothing there, and only age and sex on it": (
        every("education bmi_kg_m2 arthritis smoking", "usual_sleep_hours")
        | every("usual_sleep_hours", "hours_in_bed cramps")
    ),
    "the night and the day after are drawn there apart from the tables compared here": (
        every("cramps", f"awakenings sleep_latency_min sleep_quality_0_10 sleep_hours {_NEXT_DAY}")
        | every("awakenings sleep_latency_min sleep_quality_0_10 sleep_hours", _NEXT_DAY)
        | every("nocturia", "sleep_quality_0_10 sleep_hours")
        | every("alcohol_units", "nocturia sleep_quality_0_10")
        | every("fluid_ml pregnancy_trimester diuretic_class awakenings", "nocturia")
        | {("hours_in_bed", "sleep_hours")}
    ),
}


def test_where_the_study_s_graph_differs_from_the_simulator_s() -> None:
    simulated = arrows_of_the_simulator(Truth())
    own = {pair for pair in causal.study().pairs() if not set(pair) & NOT_DRAWN}
    assert simulated - own == set().union(*SIMULATOR_ALONE.values())
    assert own - simulated == set().union(*STUDY_ALONE.values())


# A cohort's columns, fits, and the command.


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(40, 20, seed=4)


def notes(cohort: Cohort, terms: str, **asked: object) -> str:
    found = fit(cohort, model="poisson", terms=terms, **asked).estimates  # type: ignore[arg-type]
    shared = set(found.loc[found["scale"] != "reliability", "note"].dropna())
    return min(shared, key=len) if shared else ""


def test_what_a_cohort_has_values_of(cohort: Cohort) -> None:
    found = causal.measured_in(cohort)
    assert {"age_years", "age_decade", "fluid_ml", "season_cos", "weekend_night"} <= found
    assert "serum_calcium_corrected_mmol_l" in found
    tables = {name: cohort.frame(name) for name in cohort.tables}
    empty = pl.lit(None, pl.Float64).alias("serum_albumin_g_l")
    tables["participants"] = tables["participants"].with_columns(empty)
    left = causal.measured_in(replace(cohort, tables=tables))
    assert found - left == {"serum_albumin_g_l", "serum_calcium_corrected_mmol_l"}


def test_calcium_corrected_for_albumin_by_hand(cohort: Cohort) -> None:
    from crampstudy.nights import people

    tables = {name: cohort.frame(name) for name in cohort.tables}
    tables["participants"] = tables["participants"].with_columns(
        pl.Series("serum_calcium_mmol_l", [2.3] * 40), pl.Series("serum_albumin_g_l", [30.0, 40.0, None, 45.0] * 10)
    )
    made = people(replace(cohort, tables=tables))["serum_calcium_corrected_mmol_l"].to_list()[:4]
    assert made[2] is None
    assert np.allclose([made[0], made[1], made[3]], [2.5, 2.3, 2.2])


def test_the_calendar_of_a_night(cohort: Cohort) -> None:
    from crampstudy.nights import person_nights

    nights = person_nights(cohort).select("date", "season_cos", "season_sin", "weekend_night")
    for date, cosine, sine, weekend in nights.head(50).iter_rows():
        angle = 2 * np.pi * date.timetuple().tm_yday / 365.25
        assert np.allclose([cosine, sine], [np.cos(angle), np.sin(angle)])
        assert weekend == (date.strftime("%a") in ("Fri", "Sat"))


def test_a_fit_says_what_its_terms_do_to_an_effect(cohort: Cohort) -> None:
    note = notes(cohort, "alcohol_units + awakenings + age_decade", effect_of="alcohol_units")
    assert "not sufficient under the study's graph for the effect of alcohol_units on cramps, lacks " in note
    assert "stress_0_10" in note and "awakenings is caused by the outcome: cramps -> awakenings" in note
    assert "sufficient under the graph for" not in note
    path = (
        "hba1c_mmol_mol is a mediator, so that part of the effect is taken away: diabetes -> hba1c_mmol_mol -> cramps"
    )
    terms = "diabetes + hba1c_mmol_mol + age_years + sex + bmi_kg_m2"
    note = notes(cohort, terms, effect_of="diabetes")
    assert note.startswith("sufficient under the study's graph for the effect of diabetes on cramps; ") and path in note
    own = graph("age_years>diabetes age_years>cramps diabetes>cramps")
    said = notes(cohort, terms, effect_of="diabetes", graph=own)
    assert said.startswith("sufficient under the graph for") and "mediator" not in said
    # Within persons, what is of the person is held.
    said = notes(cohort, "within(fluid_ml) + between(fluid_ml)", effect_of="within(fluid_ml)")
    assert "lacks alcohol_units, dietary_sodium_mg, exercise_min, ambient_temperature_c and electrolyte_drink" in said


def test_without_an_effect_of_interest_what_the_outcome_moves_is_named(cohort: Cohort) -> None:
    assert "awakenings comes after cramps in a night, which may have moved it" in notes(cohort, "awakenings + sex")
    assert "comes after" not in notes(cohort, "alcohol_units + sex")
    sleep = fit(cohort, model="linear", outcome="sleep_quality_0_10", terms="cramp_night + fatigue_0_10").estimates
    assert sleep["note"].str.contains("fatigue_0_10 comes after sleep_quality_0_10").any()
    assert not sleep["note"].str.contains("cramp_night comes after").any()


def test_models_of_times_and_of_surveys_say_it_too(cohort: Cohort) -> None:
    asked = {
        "terms": "alcohol_units + age_years",
        "effect_of": "alcohol_units",
        "graph": graph("c>alcohol_units c>cramps"),
    }
    with pytest.raises(UsageError, match=r"the graph has no node 'relief'"):
        fit(cohort, model="cox", outcome="relief", **asked)  # type: ignore[arg-type]
    relief = graph("age_years>alcohol_units age_years>relief alcohol_units>relief")
    said = fit(cohort, model="cox", outcome="relief", **{**asked, "graph": relief}).estimates["note"]  # type: ignore[arg-type]
    assert said.str.contains("sufficient under the graph for the effect of alcohol_units on relief").any()


def test_effects_that_cannot_be_meant(cohort: Cohort) -> None:
    for terms, effect, said in (
        ("sex", "alcohol_units", "effect_of names 'alcohol_units', which is no term; the terms are of sex"),
        (
            "within(fluid_ml) + between(fluid_ml)",
            "fluid_ml",
            "effect_of names 'fluid_ml', which the terms split; name between(fluid_ml) or within(fluid_ml)",
        ),
        ("cycle + sex", "cycle", "the study's graph has no node 'cycle'"),
    ):
        with pytest.raises(UsageError, match=re.escape(said)):
            fit(cohort, model="poisson", terms=terms, effect_of=effect)
    with pytest.raises(UsageError, match="a causal graph is for the effect of a term"):
        fit(cohort, model="poisson", terms="sex", graph=causal.study())


def test_the_command(tmp_path: Path) -> None:
    package.write(simulate(20, 10, seed=1), tmp_path / "s", "csv")

    def run(text: str) -> tuple[int, str]:
        found = CliRunner().invoke(app, ["adjust", str(tmp_path / "s"), *shlex.split(text)])
        return found.exit_code, found.stdout

    code, out = run("within(alcohol_units) --json")
    said = json.loads(out)
    assert code == 0 and said["within"] and said["sufficient"] and said["missing"] == []
    assert "lag(alcohol_units, 1)" in said["adjust_for"]
    code, out = run("supplement_magnesium_mg --json")
    said = json.loads(out)
    assert code == 0 and not said["sufficient"] and said["missing"][0]["name"] == "disposition"
    assert run("exercise_min --outcome sleep_quality_0_10")[1].startswith(
        "exercise_min on sleep_quality_0_10: adjusted"
    )
    own = written(tmp_path, GOOD)
    code, out = run(f"fluid_ml --graph {shlex.quote(str(own))}")
    assert code == 0 and "under our graph lacks shift_work" in out
    # The same in, the same out.
    assert run("fluid_ml")[1] == run("fluid_ml")[1]


def test_the_calendar_in_every_kind_of_model(cohort: Cohort) -> None:
    terms = "weekend_night + season_cos + season_sin"
    for model, outcome in (("poisson", None), ("gee-exchangeable", None), ("cox", "relief"), ("cox", "gap")):
        found = fit(cohort, model=model, outcome=outcome, terms=terms).estimates
        statuses = dict(zip(found["term"], found["status"], strict=True))
        assert {statuses[name] for name in terms.split(" + ")} == {"converged"}, model
    split = fit(cohort, model="poisson", terms="within(weekend_night) + between(weekend_night)").estimates
    # Everybody has as many weekends as anybody else: the share measures nothing of a person.
    assert dict(zip(split["scale"], split["status"], strict=True)).pop("reliability") == "boundary"
    assert split.loc[split["scale"] != "reliability", "status"].eq("converged").all()


def test_the_same_question_of_the_same_graph_is_answered_once() -> None:
    measured = ["age_years", "sex", "fluid_ml"]
    asked = causal.adjustment_set("fluid_ml", "cramps", measured)
    assert causal.adjustment_set("fluid_ml", "cramps", {*measured}) is asked
    assert causal.adjustment_set("fluid_ml", "cramps", [*measured, "exercise_min"]) is not asked


@pytest.mark.parametrize(
    ("arrows", "witnesses"),
    [
        ("x>m m>y x>y", ""),
        # What confounds mediator and outcome is no matter where the exposure does not cause it.
        ("x>m m>y x>y c>m c>y", ""),
        ("x>m m>y x>y x>c c>m c>y", "c"),
        # An effect of the exposure that stands between a confounder and one of the two can be gone round by the other.
        ("x>m m>y x>y u>c x>c c>m u>y", ""),
        ("x>m m>y x>y x>c x>d c>m c>y d>m d>y", "cd"),
        # Of the mediator alone, or the outcome alone, it confounds nothing.
        ("x>m m>y x>c c>m x>d d>y", ""),
    ],
)
def test_a_path_is_not_identified_where_an_effect_of_the_exposure_confounds_it(arrows: str, witnesses: str) -> None:
    path = causal.mediated_path("x", "m", "y", graph(arrows))
    assert path.witnesses == tuple(witnesses) and path.identified is not bool(witnesses)
    assert ("follows from no data" in path.sentence) is bool(witnesses)


def test_in_the_study_diabetes_confounds_by_other_ways_what_it_does_by_neuropathy() -> None:
    path = causal.mediated_path("diabetes", "neuropathy", "cramps")
    assert not path.identified and {"hba1c_mmol_mol"} <= {*path.witnesses}
    caused = descendants(causal.study().pairs(), "diabetes")
    assert {*path.witnesses} <= caused
    assert "diabetes causes" in path.sentence and "which confound neuropathy and cramps" in path.sentence
