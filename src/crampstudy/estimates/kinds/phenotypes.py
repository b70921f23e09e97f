"""Groups of people whose cramps are alike: whether there are any, and what each is like."""

from crampstudy.estimates.kinds.registry import Kind, register

CLEAR_GROUPS = register(
    Kind(
        name="clear groups",
        meaning="Number of clear groups of people by what their cramps are like; 1 where there are no clear groups.",
        table="groups_tried",
        sentence="Clear groups of people: {value}",
    )
)
GROUPS_TRIED = register(
    Kind(
        name="groups tried",
        meaning="What the number of groups in `term` came to, by `level`: how much lower the criterion of Schwarz is "
        "than that of one group, the density in the gap between two groups as a share of the lower peak, and the "
        "adjusted Rand index with the groups of resampled participants; `note` says why the number was chosen or not.",
        table="groups_tried",
        sentence="{term}, {level}: {value}",
        tabled=False,
    )
)
GROUP_SHARE = register(
    Kind(
        name="people of a group",
        meaning="Share of the participants with a cramp who are of the group in `term`.",
        table="group_profiles",
        sentence="People of {term}: {value}",
    )
)
GROUP_PROFILE = register(
    Kind(
        name="profile of a group",
        meaning="Mean of the trait in `level` over the people of the group in `term`: cramps a week, variance over "
        "mean of the nights, geometric mean of the length, pain, share of cramps in the calf, hour of the clock.",
        table="group_profiles",
        sentence="{level} of {term}: {value}",
    )
)
GROUP_STANDING = register(
    Kind(
        name="standing of a group",
        meaning="How far the mean of the trait in `level` of the group in `term` is from that of all, in standard "
        "deviations between people, what chance does within each left out.",
        table="group_profiles",
        figure="group_profiles",
        sentence="{level} of {term} against all: {value}",
        tabled=False,
    )
)
