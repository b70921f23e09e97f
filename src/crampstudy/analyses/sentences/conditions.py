"""What the section on conditions says of its rows."""

from __future__ import annotations

import pandas as pd

from crampstudy import tables, wording
from crampstudy.cohort import Kind
from crampstudy.estimates import at_contrasts, kinds, ratios, verdicts
from crampstudy.estimates.adjustment import enough
from crampstudy.estimates.sentences import estimate, resting
from crampstudy.estimates.verdicts import who_are_few
from crampstudy.tables.sections.conditions import labels
from crampstudy.wording.directions import directed

_Q = 0.05
_BROAD = {"arthritis": "osteoarthritis", "thyroid_disease": "hypothyroidism"}
"""Variables of a disease of any kind, with the narrower one that they hold."""
_MORE = {"higher": "more", "lower": "less"}
_LEFT_OUT = "left out"
_LARGER = {"higher": "larger", "lower": "smaller"}


def answer(rows: pd.DataFrame) -> str:
    """Return which conditions go with more or with fewer cramps, and of how many that could not be told."""
    main = kinds.CONDITION.rows(rows)
    judged = _judged(main)
    told = judged[judged["verdict"] != "too few"]
    if told.empty:
        measured = main[main["status"].ne("not_measured")]
        fewer = "too few participants or cramps bear on any of them"
        if (of_whom := who_are_few(judged)) != "participants":
            fewer = f"there are too few {of_whom} for a ratio of any of them"
        why = (fewer if len(judged) else tables.reasons(measured, inside=True)) if len(measured) else _none_known(main)
        why = f"all of them were {why}" if why.startswith(_LEFT_OUT) else why
        return f"This cohort cannot tell which conditions and drugs go with cramps: {why}."
    scale = str(told["scale"].iloc[0]).replace("_", " ")
    clear = told[told["verdict"].isin(_MORE)]
    crude = clear[~enough(clear)]
    adjusted = f"adjusted {scale}" if crude.empty and clear["adjusted_for"].notna().any() else scale
    often = "cramps were {} common with" if scale.startswith("prevalence") else "cramps came {} often with"
    by_side = {how: clear[clear["verdict"] == verdict] for verdict, how in _MORE.items()}
    said = [f"{often.format(how)} {_with_ratios(of, adjusted)}" for how, of in by_side.items() if len(of)]
    if not said:
        many = f"none of {len(told):,} conditions, drugs and measures goes"
        one = f"{_listed(told)}, alone with enough participants to tell, does not go"
        said = [f"{many if len(told) > 1 else one} clearly with more or with fewer cramps"]
    small = told[told["verdict"].isin(["near null", "differs but negligible"])]
    said += [
        _kept(told, _tests(main)),
        f"the ratio is too close to 1 to matter for {_listed(small)}" if len(small) else "",
    ]
    # Of what is told above, whatever was found of it.
    found = told[told.index.isin([*clear.index, *small.index])]
    lacking = found[~enough(found)]
    said += [f"not adjusted for all that the causal graph asks for: {_listed(lacking)}"] if len(lacking) else []
    said += resting(found)
    unknown = int(judged["verdict"].eq("inconclusive").sum())
    open_ = wording.counted(unknown, "others") if len(told) > unknown else f"{unknown}"
    said += [f"for {open_} the interval is too wide to tell"] if unknown else []
    of_few = judged[judged["verdict"].eq("too few")]
    by_df = [verdicts.few_degrees(row) and not verdicts.few_units(row) for row in wording.records(of_few)]
    by_people = of_few[~pd.Series(by_df, of_few.index, dtype=bool)]
    whom = f"too few {who_are_few(by_people)}"
    said += [f"of {len(by_people)} more there are {whom} for anything to be said"] if len(by_people) else []
    on_df = f"rests on fewer than {verdicts.FEWEST_DF:g} degrees of freedom, too few for anything to be said"
    said += [f"of {sum(by_df)} more the interval {on_df}"] if any(by_df) else []
    return wording.sentences(filter(None, said))


def by_age(rows: pd.DataFrame) -> str:
    """Return whether ratios differ between 50 and 75 years."""
    changes = kinds.CONDITION_BY_AGE.rows(rows)
    made = changes[changes["estimate"].notna()]
    told, few = (made[made["verdict"].eq("too few").fillna(value=False) == those] for those in (False, True))
    if told.empty:
        return "Whether a ratio differs with age could be told of none of them."
    of = {how: told[told["verdict"] == verdict] for verdict, how in _LARGER.items()}
    said = [
        f"the ratio is {how} at 75 than at 50 years for {_with_ratios(rows, 'ratio of ratios')}"
        for how, rows in of.items()
        if len(rows)
    ]
    held = told[told["q_value"] < _Q]
    if said:
        said.append(_remaining(held, _tests(changes)))
    else:
        many = f"for none of the {len(told)} with enough participants to compare is the ratio shown to differ"
        one = f"the ratio of {_listed(told)}, alone with enough participants to compare, is not shown to differ"
        said = [f"{many if len(told) > 1 else one} between the two ages"]
    said += [f"of {_listed(few)} too few {who_are_few(few)} bear on the comparison"] if len(few) else []
    same, unknown = (int(told["verdict"].eq(verdict).sum()) for verdict in ("near null", "inconclusive"))
    said += [f"for {same} it is nearly the same at both ages"] if same else []
    said += (
        [f"for {unknown} the interval is too wide to tell, which does not show that age makes no difference"]
        if unknown
        else []
    )
    return wording.sentences(said)


def not_drawn(rows: pd.DataFrame) -> str:
    """Return which ratios a figure leaves to the table, as too few participants bear on them; a space goes before."""
    few = at_contrasts(ratios(rows))
    few = few[few["estimate"].notna() & few["verdict"].eq("too few").fillna(value=False)]
    said = []
    for kind, when in ((kinds.CONDITION, ""), (kinds.CONDITION_AT_50, " at 50"), (kinds.CONDITION_AT_75, " at 75")):
        own = kind.rows(few)
        said += [f"{name}{when}" for name in _names(own)]
    return f" Too few {who_are_few(few)} bear on these to be drawn: {wording.listed(said)}." if said else ""


def rest(rows: pd.DataFrame) -> str:
    """Return on whom ratios rest that do not rest on all who have it and who have not; a space goes before."""
    said = wording.sentences(resting(rows[rows["estimate"].notna()]))
    return f" {said}" if said else ""


def limits(kind: Kind, main: pd.DataFrame) -> str:
    """Return what the design cannot tell."""
    said = [
        "people with a condition are compared with others, not with themselves before it: a ratio is an association, "
        "adjusted as far as the graph is right and its variables were measured",
        "diagnoses and drugs are as recorded, and a drug is taken for a reason that may itself go with cramps",
    ]
    if kind == "survey":
        said.append(
            "cramps of one month were recalled on one occasion, so that what came first cannot be told, and a ratio of "
            "any cramp says nothing of how many there were"
        )
    measured = set(main.loc[main["status"] != "not_measured", "term"])
    for broad, narrow in _BROAD.items():
        if broad in measured:
            names = [wording.small(wording.label(name)) for name in (broad, narrow)]
            beside = f"holds {names[1]}, which stands beside it" if narrow in measured else f"is not {names[1]} alone"
            said.append(f"{names[0]} {beside}")
    return wording.sentences(said)


def alt(rows: pd.DataFrame, *, two: bool) -> str:
    """Return what the figure shows, for those who cannot see it."""
    told = rows[rows["verdict"].isin(_MORE)]
    shown = (kinds.CONDITION_AT_50, kinds.CONDITION_AT_75) if two else (kinds.CONDITION,)
    found = "; ".join(f"{kind.label}: {_by_side(kind.rows(told))}" for kind in shown)
    marks = "up to two marks a condition" if two else "one mark a condition"
    return (
        f"A forest of points with horizontal intervals, {marks}, around a vertical line at a ratio of "
        f"one. Intervals that lie clear of one, {found}."
    )


def _by_side(rows: pd.DataFrame) -> str:
    sides = (("above it", "higher"), ("below it", "lower"))
    found = ((side, rows[rows["verdict"] == verdict]) for side, verdict in sides)
    return "; ".join(f"{side} {wording.listed(_toward(of))}" for side, of in found if len(of)) or "none"


AT_TWO_AGES = (
    "at 50 and at 75 years, from one model of each condition with its product with age, or at all ages where there is "
    "no such ratio to draw"
)


def drawn(*, two: bool) -> str:
    """Return what the figure draws of a cohort with ratios at ``two`` ages, or with those of all ages alone."""
    return f"{AT_TWO_AGES}." if two else "at all ages."


def adjusted(main: pd.DataFrame, *, two: bool) -> str:
    """Return what the ratios of the table are adjusted for, and where those by age stand beside them."""
    held = main.loc[main["estimate"].notna(), "adjusted_for"]
    for_what = "what the study's causal graph asks for, as far as could be"
    if not held.notna().any():
        text = "adjusted for nothing"
    elif held.str.contains("ns(age", regex=False).fillna(value=False).any():
        text = f"adjusted for {for_what}, age as a natural cubic spline where it is asked for"
    else:
        text = f"adjusted for {for_what}"
    by_age = (
        " Beside them stand those at 50 and at 75 years, where at least 5 participants with the condition and 5 "
        "without, of those whom its ratio rests on, are younger than 62.5 years, and as many older."
    )
    return f"{text}.{by_age if two else ''}"


def without_age(rows: pd.DataFrame) -> str:
    """Return which ratios at all ages hold no age while others do, or those by age; a space goes before."""
    made = rows[rows["estimate"].notna() & rows["scale"].ne("wald_test")]
    held = made["adjusted_for"].str.contains(r"\bage_", regex=True).fillna(value=False)
    main = kinds.CONDITION.rows(made)
    bare = main[~held[main.index]]
    if bare.empty or not held.any():
        return ""
    whose = f"which the causal graph does not ask for or too few could take in: {_variables(bare)}"
    said = [f"not adjusted for age, {whose}"]
    by_age = made[held & made["analysis"].ne(kinds.CONDITION.name) & made["term"].isin(bare["term"])]
    if len(by_age):
        otherwise = "a ratio at all ages is adjusted otherwise than these and may lie outside of both"
        of = _variables(by_age)
        said.append(f"those at 50 and at 75 years are adjusted for age in any case, so that for {of} {otherwise}")
    return f" {wording.sentences(said)}"


def _variables(rows: pd.DataFrame) -> str:
    names = dict.fromkeys(rows["term"].astype(str).str.removeprefix(wording.CONTRAST))
    return wording.listed(wording.small(wording.term(name)) for name in names)


def caption(model: str, main: pd.DataFrame, *, two: bool) -> str:
    """Return the caption of the table, whether or not it has ratios by age, and any that are adjusted."""
    of = "prevalence ratios of any cramp in the past month" if model.startswith("survey") else "rate ratios of cramps"
    how = "adjusted" if main.loc[main["estimate"].notna(), "adjusted_for"].notna().any() else "crude"
    return f"Conditions and drugs: {how} {of}, at all ages{' and by age' if two else ''}."


def _none_known(main: pd.DataFrame) -> str:
    """Return why nothing is known of any condition: what was recorded and set aside in cleaning is named."""
    if names := tables.set_aside_names(main):
        others = "of the others none was recorded, and " if tables.unmeasured_names(main) else ""
        return f"{others}every value was set aside in cleaning of {wording.listed(names)}"
    return "none of them was recorded"


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a verdict, but for those of a part of whom another row is of."""
    first = rows.groupby(rows["term"].map(wording.term))["population"].transform("first")
    return rows[rows["verdict"].notna() & rows["population"].eq(first)]


def _kept(told: pd.DataFrame, tests: int) -> str:
    """Return of which clear ratios q is small after so many ``tests``, where it is not of all."""
    clear = told[told["verdict"].isin(_MORE) & told["q_value"].notna()]
    held = clear[clear["q_value"] < _Q]
    return "" if len(held) == len(clear) else _remaining(held, tests)


def _tests(rows: pd.DataFrame) -> int:
    """Return how many tests q is of: the per-unit row of a number has that of its declared contrast."""
    tested = rows[rows["q_value"].notna()]
    levels = tested["level"].where(~tested["term"].map(wording.is_declared))
    return len({*zip(tested["term"].str.removeprefix(wording.CONTRAST), levels.fillna(""), strict=True)})


def _remaining(held: pd.DataFrame, tests: int) -> str:
    kept = f"{_listed(held)} remain{'s' if len(held) == 1 else ''}" if len(held) else "none remains"
    if tests == 1:
        return ""
    return f"allowing for {wording.counted(tests, 'tests')} at once (q below {_Q:g}), {kept}"


def _with_ratios(rows: pd.DataFrame, scale: str) -> str:
    """Return names and ratios: ``diabetes and statin (adjusted rate ratios 1.74 (1.21–2.50) and 1.20 (1.02–1.41))``."""
    ratios = wording.listed(map(estimate, wording.records(rows)))
    several = scale.replace("ratio", "ratios", 1) if len(rows) > 1 else scale
    return f"{wording.listed(_toward(rows))} ({several} {ratios})"


def _toward(rows: pd.DataFrame) -> list[str]:
    """Return what rows are of, a number with its direction: ``higher HbA1c (50.5 against 33 mmol/mol)``."""
    return [directed(row, name) for row, name in zip(wording.records(rows), _names(rows), strict=True)]


def _listed(rows: pd.DataFrame) -> str:
    return wording.listed(_names(rows))


def _names(rows: pd.DataFrame) -> list[str]:
    return [wording.small(name) for name in labels(rows)]
