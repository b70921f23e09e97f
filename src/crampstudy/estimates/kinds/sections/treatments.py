"""What treatments did: the course around time zero, effects by design, how they differ, and who was in them."""

from crampstudy.estimates.kinds.registry import Kind, register

TREATMENT_EFFECT = register(
    Kind(
        name="treatment effect",
        meaning="Cramps with the treatment in `term` against its comparator, by the primary analysis of the design in "
        "`level`: ratio of rates, or difference in cramps a week.",
        table="treatment_effects",
        sentence="{term}, {level}: {scale} {value}",
    )
)
TREATMENT_EFFECT_OTHERWISE = register(
    Kind(
        name="treatment effect, otherwise",
        meaning="As a treatment effect, by the sensitivity analysis in `level`.",
        table="treatment_effects",
        sentence="{term}, {level}: {scale} {value}",
    )
)
TREATMENT_SPREAD = register(
    Kind(
        name="spread of a treatment effect",
        meaning="Standard deviation between participants of the logarithm of the treatment's rate ratio, of repeated "
        "periods in each of them.",
        table="treatment_effects",
        sentence="{term}, spread between participants: {value}",
    )
)
TREATMENT_EFFECT_OF_ONE = register(
    Kind(
        name="treatment effect in one participant",
        meaning="Rate ratio of the treatment in `term` in the participant numbered in `level`, of alternating periods: "
        "that it rests on one participant is the design.",
        table="single_participants",
        figure="single_participants",
        sentence="{term}, {level}: rate ratio {value}",
        tabled=False,
    )
)
TREATMENT_EFFECT_BY_LEVEL = register(
    Kind(
        name="treatment effect by baseline level",
        meaning="Rate ratio of the treatment in `term` where the serum level at baseline is as in `level`; or that at "
        "the low end of the reference range over that at its middle.",
        table="treatment_modifiers",
        sentence="{term}, {level}: {scale} {value}",
    )
)
TREATMENT_EFFECT_BY_WEEK = register(
    Kind(
        name="treatment effect by week",
        meaning="Rate ratio of the treatment in `term` in the weeks since time zero in `level`.",
        table="treatment_modifiers",
        sentence="{term}, {level}: {scale} {value}",
    )
)
TREATMENT_DOSE = register(
    Kind(
        name="dose of a treatment",
        meaning="Rate ratio of the dose in `level` to that in `reference`, of those who took the treatment in `term`.",
        table="treatment_modifiers",
        sentence="{term}, {level}: {scale} {value}",
    )
)
TREATMENT_COURSE = register(
    Kind(
        name="course around time zero",
        meaning="Cramps per person-week in the week in `level` since or before time zero of those in `population`, of "
        "the treatment in `term`.",
        table="treatment_course",
        figure="treatment_course",
        sentence="{who}, {level}: {value}",
        tabled=False,
    )
)
CHARACTERISTICS_BY_ARM = register(
    Kind(
        name="characteristics by arm",
        meaning="Mean, standard deviation, quartile, or share at a level of a variable that describes the participants "
        "of a trial before their time zero, of all of them and of the arm in `population`.",
        table="table_of_arms",
        sentence="{variable}, {scale}, {who}: {value}",
    )
)
DIFFERENCE_BETWEEN_ARMS = register(
    Kind(
        name="standardised difference by arm",
        meaning="Largest difference between two arms of a trial, `population` less `reference`, of a mean or of the "
        "share at a level, divided by the root of the mean of both variances.",
        table="table_of_arms",
        sentence="{variable}: {value}",
    )
)
TREATMENT_FLOW = register(
    Kind(
        name="flow of a treatment",
        meaning="Participants of the arm or group in `population` who reached the step in `level`, or are not compared "
        "for the reason in it, of the treatment in `term`.",
        table="treatment_flow",
        sentence="{who}, {level}: {value}",
    )
)
