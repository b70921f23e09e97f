"""How common cramps are, how they change with age, and how fast relief comes."""

from crampstudy.estimates.kinds.registry import Kind, register

INCIDENCE_RATE = register(
    Kind(
        name="incidence rate",
        meaning="Cramps per person-week of a group: all its cramps by all its observed nights.",
        table="rates",
        figure="rates",
        sentence="Incidence rate, {who}: {value}",
    )
)
MEAN_PERSON_RATE = register(
    Kind(
        name="mean of person rates",
        meaning="Mean over the participants of a group of the rate that each of them has.",
        table="rates",
        sentence="Mean of person rates, {who}: {value}",
    )
)
STANDARDISED_RATE = register(
    Kind(
        name="age-standardised incidence rate",
        meaning="Incidence rate at the ages of a standard population, which stands in `reference`.",
        table="rates",
        figure="rates",
        sentence="Age-standardised incidence rate, {who}: {value}",
        label="age-standardised",
    )
)
PREVALENCE = register(
    Kind(
        name="prevalence",
        meaning="Design-based share of an age group of the population who recall the class in `level`.",
        table="prevalence",
        figure="prevalence",
        sentence="Prevalence, {recalled}, {who}: {value}",
    )
)
STANDARDISED_PREVALENCE = register(
    Kind(
        name="age-standardised prevalence",
        meaning="Prevalence at the ages of a standard population, which stands in `reference`.",
        table="prevalence",
        sentence="Age-standardised prevalence, {recalled}, {who}: {value}",
        label="age-standardised",
    )
)
CLASS_IMPLIED = register(
    Kind(
        name="30-day class, implied by the nights",
        meaning="Share of people in the class in `level` by their cramps in 30 full nights, as a model implies.",
        table="classes",
        sentence="{recalled} in 30 nights, implied by the nights, {who}: {value}",
        label="implied by the nights",
    )
)
CLASS_WINDOWS = register(
    Kind(
        name="30-day class, windows of the diary",
        meaning="Share of people in the class in `level`, counted in windows of 30 calendar nights.",
        table="classes",
        sentence="{recalled} in 30 nights, in windows of the diary, {who}: {value}",
        label="windows of the diary",
    )
)
AGE_CURVE = register(
    Kind(
        name="age curve",
        meaning="Incidence rate or prevalence at the age in `level`, on a smooth curve.",
        table="age_curve",
        figure="age_curve",
        sentence="{outcome} at {level} years: {value}",
    )
)
RELIEF_CURVE = register(
    Kind(
        name="relief curve",
        meaning="Share of the episodes of a group without relief at the time in `level` (s) since the remedy.",
        table="relief",
        figure="relief",
        sentence="Without relief {level} s after the remedy, {who}: {value}",
        tabled=False,
    )
)
MEDIAN_RELIEF = register(
    Kind(
        name="median time to relief",
        meaning="Time from the remedy by which half of the episodes of a group were relieved.",
        table="relief",
        figure="relief",
        sentence="Median time to relief, {who}: {value}",
    )
)
MEAN_RELIEF = register(
    Kind(
        name="restricted mean time to relief",
        meaning="Mean time without relief within the horizon that stands in `unit`.",
        table="relief",
        sentence="Restricted mean time to relief, {who}: {value}",
    )
)
AT_RISK = register(
    Kind(
        name="at risk",
        meaning="Episodes of a group that are not yet relieved or censored at the time in `level` (s).",
        table="relief",
        figure="relief",
        sentence="Still at risk {level} s after the remedy, {who}: {value}",
        tabled=False,
    )
)
