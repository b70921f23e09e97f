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
CLAIM_PART = register(
    Kind(
        name="untested part of a claim",
        meaning="Why a part of the claim in `term`, which `level` names where it has several, could not be tested; the "
        "row of the claim stands beside it.",
        table="claims",
        sentence="Claim {term}, {level}: {value}",
        tabled=False,
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
UNDER_SPECIFICATION = register(
    Kind(
        name="claim under a specification",
        meaning="The row that answers the claim in `term` where the choices in `level` are made otherwise or as its "
        "section makes them; `verdict` is that on the claim, `note` says why one could not be made.",
        table="claim_specifications",
        figure="claim_specifications",
        sentence="Claim {term}, {level}: {value}",
    )
)
AGREEMENT = register(
    Kind(
        name="agreement of specifications",
        meaning="The share of the specifications of the claim in `term` that could be made whose verdict is that of "
        "the claim, which `verdict` holds.",
        table="claim_specifications",
        sentence="Claim {term}: {value} of its specifications agree",
        tabled=False,
    )
)
