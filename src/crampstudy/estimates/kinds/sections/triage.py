"""Red flags: how common they are, how steady, and what tests found in those who have one."""

from crampstudy.estimates.kinds.registry import Kind, register

RED_FLAG = register(
    Kind(
        name="red flag",
        meaning="Share of the weeks that can be told, or of the people, with the red flag in `level`; of `evaluable "
        "weeks` the share of all weeks of the diary that can be told, whose number is `n_events`. Research output, not "
        "medical advice.",
        table="red_flags",
        sentence="Red flag, {level}, {who}: {value}",
    )
)
FLAG_STABILITY = register(
    Kind(
        name="stability of a red flag",
        meaning="How steady more than 2 cramps a week are: of weeks the share with it by the week before, of people "
        "with several weeks the share who have it in all, some or none of them.",
        table="flag_stability",
        sentence="More than 2 cramps a week, {level}: {value}",
    )
)
TEST_RESULT = register(
    Kind(
        name="test beside red flags",
        meaning="Of the people with a recorded result of the test in `term` the share whose result is out of the "
        "ordinary, of those with a red flag that suggests the test or without, by `level`.",
        table="test_results",
        sentence="{term}, {level}: {value}",
    )
)
