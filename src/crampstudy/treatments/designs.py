"""How a treatment came to the participants of a cohort: by lot in arms or in turns, or by their own choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.readable import OneLine
from crampstudy.treatments.combinations import PLACEBO, in_order, parts, taken_together
from crampstudy.wording import agent, counted, listed, term

Kind = Literal["parallel", "crossover", "n-of-1", "open use"]

UNTREATED, MIXED = "none", "other"
"""The arm that is given nothing, a comparator as placebo is; ``other`` is no single agent."""
_BY_NIGHT = {"magnesium": "supplement_magnesium_mg", "stretching": "stretch_calf_min"}
"""What a diary logs of an agent night by night."""


@dataclass(frozen=True, slots=True, repr=False)
class TreatmentDesign(OneLine):
    """The design by which a cohort can speak of an ``agent`` ``against`` a comparator; no ``kind`` where none fits.

    ``reason`` says why none does. ``arms`` has one row per participant of a trial: participant_id and ``arm``, the
    agent allocated (in a crossover or n-of-1 the first of them), with ``start`` and ``stop`` of what was begun. Agents
    that lots gave together are one, their combination (:mod:`~crampstudy.treatments.combinations`).
    ``periods`` are those of the agents of the design: participant_id, agent, start, stop, dose, unit.
    """

    agent: str
    kind: Kind | None
    against: str
    arms: pl.DataFrame = field(repr=False)
    periods: pl.DataFrame = field(repr=False)
    reason: str = ""

    @property
    def randomised(self) -> bool:
        """Whether lots decided who took the agent, or when."""
        return self.kind in ("parallel", "crossover", "n-of-1")

    @property
    def treated(self) -> int:
        """How many participants were given the agent, or took it."""
        return self.periods.filter(pl.col("agent") == self.agent)["participant_id"].n_unique()


def designs(cohort: Cohort) -> tuple[TreatmentDesign, ...]:
    """Return the design of each agent that a cohort's participants took, in the order of the codebook.

    A period counts as randomised where the table says so, and where it says nothing of a participant who has
    ``randomised_on``. All randomised periods are of one trial. Its comparator is placebo, without one the arm that was
    given nothing (participants with ``randomised_on`` and no period), without that its last single agent. Agents that
    lots gave together are an arm of their own.
    """
    periods = _periods(cohort)
    given, chosen = taken_together(periods.filter("randomised")), periods.filter(~pl.col("randomised"))
    trial = _Trial.of(cohort, given) if given.height else None
    combined = [name for name in given["agent"].unique() if len(parts(name)) > 1]
    return tuple(
        trial.design(agent) if trial and agent in trial.agents else _open_use(agent, chosen, combined)
        for agent in in_order({*given["agent"], *chosen["agent"]})
        if agent != PLACEBO and not (trial and agent == trial.against)
    )


def why_no_design(cohort: Cohort) -> str:
    """Return why nothing can be said of treatments though somebody was given one or randomised, empty where nobody was.

    Of a cohort in which :func:`designs` finds any, why there is none by lot.
    """
    if lots := unrecorded(cohort):
        return f"{counted(lots, 'participants', 'were')} randomised, and no table says what they were given"
    periods = _periods(cohort)
    given = periods.filter("randomised")
    if given.height and {*given["agent"]} == {PLACEBO}:
        return f"all who were randomised took {term(PLACEBO)}, and nobody a treatment to compare with it"
    if periods.height and {*periods["agent"]} == {PLACEBO}:
        return f"nobody took a treatment but {term(PLACEBO)}"
    return ""


def unrecorded(cohort: Cohort) -> int:
    """Return how many participants were randomised where no table says what anybody of them was given."""
    people = cohort.frame("participants")
    lots = int(people["randomised_on"].count()) if "randomised_on" in people.columns else 0
    return 0 if _periods(cohort)["randomised"].any() else lots


def logged_by_night(cohort: Cohort, agent: str) -> bool:
    """Say whether some night of a diary had some of an agent, which is no course of it."""
    nights, column = cohort.frame("diary"), _BY_NIGHT.get(agent, "")
    return column in nights.columns and bool((nights[column] > 0).any())


def randomised(cohort: Cohort) -> tuple[TreatmentDesign, ...]:
    """Return the designs of a cohort by which lots decided; a survey has none."""
    return tuple(design for design in designs(cohort) if design.randomised) if cohort.kind == "diary" else ()


def _periods(cohort: Cohort) -> pl.DataFrame:
    """Return the periods in order, those of one start of an agent once, with ``randomised`` known of each."""
    table, people = cohort.frame("treatments"), cohort.frame("participants")
    empty = {"dose": pl.Float64, "unit": pl.String, "stop": pl.Date, "randomised": pl.Boolean}
    table = table.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in empty.items() if name not in table)
    lots = people.filter(pl.col("randomised_on").is_not_null()) if "randomised_on" in people.columns else people.head(0)
    known = pl.col("participant_id").is_in(lots["participant_id"].implode())
    return table.select(
        *("participant_id", "agent", "start", "stop", "dose", "unit"), pl.col("randomised").fill_null(known)
    ).sort("participant_id", "start", "agent")


def _open_use(agent: str, periods: pl.DataFrame, combined: Sequence[str]) -> TreatmentDesign:
    """Return the design of an agent taken by choice, of which lots may have given ``combined`` ones as well."""
    own = periods.filter(pl.col("agent") == agent)
    arms = pl.DataFrame(schema={"participant_id": pl.String, "arm": pl.String, "start": pl.Date, "stop": pl.Date})
    if agent == MIXED:
        reason = "what is noted as another agent is several treatments, of which there is no one effect"
        return TreatmentDesign(agent, None, UNTREATED, arms, own, reason)
    if lots := in_order(name for name in combined if agent in parts(name)):
        given = listed(map(term, lots))
        reason = f"lots gave it to others in a combination ({given}), who neither took it by choice nor are untreated"
        return TreatmentDesign(agent, None, UNTREATED, arms, own, reason)
    return TreatmentDesign(agent, "open use", UNTREATED, arms, own)


@dataclass(frozen=True, slots=True)
class _Trial:
    """The trial that the randomised periods of a cohort are of."""

    kind: Kind | None
    agents: tuple[str, ...]
    against: str
    arms: pl.DataFrame
    periods: pl.DataFrame
    reason: str

    @classmethod
    def of(cls, cohort: Cohort, periods: pl.DataFrame) -> _Trial:
        arms = _arms(cohort, periods)
        agents = in_order({*periods["agent"]})
        untreated = (arms["arm"] == UNTREATED).any()
        last = ([name for name in agents if len(parts(name)) == 1] or agents)[-1]
        against = next((name for name in (PLACEBO,) if name in agents), UNTREATED if untreated else last)
        kind, reason = _kind(periods)
        if kind and agents == [against]:
            kind, reason = (
                None,
                f"all who were randomised took {agent(against)}, and nobody anything to compare it with",
            )
        compared = tuple(name for name in agents if name != against) or (against,)
        return cls(kind, compared, "" if agents == [against] else against, arms, periods, reason)

    def design(self, agent: str) -> TreatmentDesign:
        pair = (agent, self.against)
        arms = self.arms.filter(pl.col("arm").is_in(pair)) if self.kind == "parallel" else self.arms
        periods = self.periods.filter(pl.col("agent").is_in(pair)) if self.kind == "parallel" else self.periods
        return TreatmentDesign(agent, self.kind, self.against, arms, periods, self.reason)


def _kind(periods: pl.DataFrame) -> tuple[Kind | None, str]:
    """Return the design of randomised periods from who had how many agents, and whether one came back."""
    turns = periods.with_columns(
        new=(pl.col("agent") != pl.col("agent").shift().over("participant_id")).fill_null(True)
    )
    people = turns.group_by("participant_id").agg(agents=pl.col("agent").n_unique(), turns=pl.col("new").sum())
    several = people.filter(pl.col("agents") > 1)
    if several.is_empty():
        return "parallel", ""
    if several.height * 2 < people.height:
        return None, (
            f"{several.height} of {counted(people.height, 'randomised participants')} had several agents and the "
            "others one, which is neither a parallel trial nor a crossover"
        )
    again = several.filter(pl.col("turns") > pl.col("agents")).height
    return ("n-of-1" if again * 2 > several.height else "crossover"), ""


def _arms(cohort: Cohort, periods: pl.DataFrame) -> pl.DataFrame:
    """Return what each participant of the trial was allocated to: the first randomised period, else by the own arm.

    Whoever has ``randomised_on`` and no randomised period was given what those of the same ``arm`` took, and nothing
    where nobody of it took anything.
    """
    first = periods.group_by("participant_id", maintain_order=True).agg(
        arm=pl.col("agent").first(), start=pl.col("start").min(), stop=pl.col("stop").last()
    )
    people = cohort.frame("participants")
    if "randomised_on" not in people.columns:
        return first
    rest = people.filter(pl.col("randomised_on").is_not_null()).join(first, on="participant_id", how="anti")
    if rest.is_empty():
        return first
    named = dict(_named_arms(people, first)) if "arm" in people.columns else {}
    label = pl.col("arm").replace_strict(named, default=UNTREATED) if named else pl.lit(UNTREATED)
    unbegun = rest.select("participant_id", arm=label.fill_null(UNTREATED), start=None, stop=None).cast(first.schema)
    return pl.concat([first, unbegun]).sort("participant_id")


def _named_arms(people: pl.DataFrame, first: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """Yield which agent each label of the column ``arm`` stands for: what most of its participants began with."""
    labels = people.select("participant_id", label="arm").join(first, on="participant_id").drop_nulls("label")
    for (label,), rows in labels.group_by("label", maintain_order=True):
        most = rows["arm"].value_counts(sort=True)
        yield str(label), str(most["arm"][0])


def compared(design: TreatmentDesign) -> str:
    """Return what a design compares, in words: ``magnesium with placebo``."""
    against = "no treatment" if design.against in (UNTREATED, "") else term(design.against)
    return f"{term(design.agent)} with {against}"
