"""What a cohort says of the article's claims, and which verdicts it could have given."""

from crampstudy.estimates.kinds.registry import Kind, register

CLAIM = register(
    Kind(
        name="claim of the article",
        meaning="The row that answers the claim whose number is in `term`, as its section made it; `verdict` is that "
        "on the claim, `note` says why, `q_value` is Holm's p-value over the claims that one section answers.",
        table="claims",
        figure="claims",
        sentence="Claim {term}: {value}",
    )
)
EXPECTED_VERDICT = register(
    Kind(
        name="expected verdict",
        meaning="How probable the verdict in `level` on the claim in `term` was in this cohort, were the truth that in "
        "`reference`.",
        table="claims",
        sentence="Claim {term}, {level}: {value}",
        tabled=False,
    )
)
