"""What a diary foretells: scores of predictions, what they gain over simple rules, and for whom."""

from crampstudy.estimates.kinds.registry import Kind, register

PREDICTION_SCORE = register(
    Kind(
        name="prediction score",
        meaning="Score in `level` of the predictor in `term`, of participants that it had not learned from; `model` "
        "says how rows were held back. Of deviance, log score, CRPS and Brier score lower is better.",
        table="prediction_scores",
        sentence="{level} of the {term}: {value}",
    )
)
PREDICTION_SKILL = register(
    Kind(
        name="prediction skill",
        meaning="Skill of the predictor in `term`: 1 - its score / that of the predictor in `reference`, the Brier "
        "score of a probability, the Poisson deviance of a count; `population` is a stratum of how often "
        "people had cramps.",
        table="prediction_skill",
        figure="prediction",
        sentence="Skill of the {term}, {who}: {value}",
    )
)
PREDICTION_GAIN = register(
    Kind(
        name="prediction gain",
        meaning="Skill of the predictor in `term` against one that knows less, in `reference`: one rate for all, which "
        "knows nothing of anybody, or the own past alone.",
        table="prediction_gains",
        sentence="Skill of the {term} against {reference}, {who}: {value}",
    )
)
BETTER_FORETOLD = register(
    Kind(
        name="better foretold",
        meaning="Share of the participants whose own score is better by the predictor in `term` than by that in "
        "`reference`.",
        table="prediction_skill",
        sentence="Better foretold by the {term}, {who}: {value}",
    )
)
CALIBRATION_POINT = register(
    Kind(
        name="calibration point",
        meaning="Share of nights or people with the outcome among those to whom the predictor in `term` gave about the "
        "probability in `level`, a tenth of them each.",
        table="calibration_points",
        figure="prediction",
        sentence="Of those given {level} by the {term}: {value}",
        tabled=False,
    )
)
NET_BENEFIT = register(
    Kind(
        name="net benefit",
        meaning="Net benefit of acting where the predictor in `term` gives at least the probability in `level`: true "
        "positives less false ones at the odds of the threshold, each night or person; to act never has none.",
        table="net_benefits",
        sentence="Net benefit at {level} by the {term}: {value}",
    )
)
WEEKLY_INTERVAL = register(
    Kind(
        name="weekly interval",
        meaning="How often the interval of a coming week's cramps, calibrated on other participants, held what came, "
        "or how wide it was on average, by `level`; `population` is a stratum of how often people had cramps.",
        table="weekly_intervals",
        sentence="{level}, {term}, {who}: {value}",
    )
)
DOMAIN_IMPORTANCE = register(
    Kind(
        name="importance of a domain",
        meaning="By how much the loss of held-out participants rises, in shares of it, when the values of the domain "
        "in `term` are dealt out anew among the rows; no effect of the domain.",
        table="domain_importance",
        sentence="Importance of {term}: {value}",
    )
)
PARTIAL_DEPENDENCE = register(
    Kind(
        name="partial dependence",
        meaning="What the model expects of held-out participants where all have the value in `level`, over what it "
        "expects where all have that in `reference`; no effect of the factor. Where hardly anybody is near one of "
        "them, nothing is said. Limits are of the participants asked, and not of those learned from.",
        table="partial_dependence",
        sentence="Expected by the model, {comparison}: {value}",
    )
)
DEPENDENCE_BESIDE = register(
    Kind(
        name="ratio beside partial dependence",
        meaning="The ratio that the section in `estimand` estimates of the same factor and contrast.",
        table="partial_dependence",
        sentence="Estimated by a section of the report, {comparison}: {value}",
    )
)
DEPENDENCE_SUPPORT = register(
    Kind(
        name="support of partial dependence",
        meaning="Share of the held-out participants with a value of their own near that in `level`: no farther than a "
        "quarter of the distance between the two that are compared.",
        table="partial_dependence",
        sentence="Held-out participants near {variable}: {value}",
    )
)
DEPENDENCE_CURVE = register(
    Kind(
        name="curve of partial dependence",
        meaning="What the model expects of held-out participants where all have the value in `level`; "
        "`n_participants` and `n_nights` are those with a value of their own near it.",
        table="dependence_curves",
        figure="partial_dependence",
        sentence="Expected by the model at {variable}: {value}",
        tabled=False,
    )
)
