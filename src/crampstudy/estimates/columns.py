"""What each column of the tidy rows holds, for those who read them; docs/estimates.md prints it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from crampstudy.estimates import facts

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "key": "Readable name of the row: the same question of the same cohort always has the same one.",
        "cohort": "Name of the cohort.",
        "population": "Of whom: all participants, a group, or the condition that names the part.",
        "outcome": "What is described or explained, by its name in the codebook.",
        "analysis": "The kind of the row, one of those below.",
        "estimand": "What is estimated, in words, such as an association adjusted for the other terms.",
        "adjusted_for": "The other terms of the model, separated by semicolons.",
        "adjustment": "Whether that is all that the causal graph asks for: `sufficient`, or why it is not, "
        "`not measured`, `too few participants` (the model had no room for it) or `not taken in` (it has no value "
        "there, does not differ, or sets the outcome apart, so that nothing beside it had an estimate); `no effect` "
        "where the outcome comes first. `terms left out`: no graph was asked, and the model had no room for all of its "
        "terms, or no estimate with them.",
        "lacks": "What is asked for beside and the estimate is not adjusted for, separated by semicolons: variables "
        "that were not measured, or terms that the model left out.",
        "model": "The model by its name in `crampstudy models`.",
        "term": "Term of the model as in its formula, or what groups are formed by. `contrast: x` is a declared "
        "contrast of x, `zero: x` a term of the part for zeros; `intercept` and `threshold` are baselines.",
        "level": "Level of the term, group, class, age, or time, as a text.",
        "reference": "Level, value or standard population that the estimate is against.",
        "scale": "What kind of number the estimate is, such as `rate_ratio`, `odds_ratio`, `difference`, `rate` or "
        "`wald_test`.",
        "unit": "Unit of the estimate, or of the step that a ratio is for: `per 10 years`, `per person-week`.",
        "estimate": "The estimate on the natural scale: a ratio (never its logarithm), cramps per person-week, a share "
        "from 0 to 1, a number in its unit.",
        "ci_low": "Lower limit of the confidence interval, on the scale of the estimate.",
        "ci_high": "Upper limit, on the scale of the estimate; infinite where no larger value is excluded.",
        "ci_level": "Confidence level, such as 0.95.",
        "std_error": "Standard error **on the scale of the link**, where the interval was made; not that of the "
        "estimate: see below.",
        "df": "Degrees of freedom of t behind interval and p-value, infinite where it is the normal distribution.",
        "p_value": "Two-sided p-value that a ratio is 1 or a difference 0, or of a joint test; baselines have none.",
        "q_value": "The p-value adjusted for the other tests of a family: by Benjamini and Hochberg, or by Holm where "
        "`facts` says so.",
        "n_effective": "How many participants, all alike, would tell as much as those behind the estimate.",
        "n_participants": "Participants behind the row.",
        "n_nights": "Observed nights behind the row, where the rows are nights.",
        "n_events": "Cramps, nights with a cramp, or answers that count as one; a number has none.",
        "n_groups": "Units of the covariance: participants of a diary, sampling units of a survey, trials of a pool.",
        "n_exposed": "Participants at the level, or whose value of the number varies.",
        "verdict": "What the interval says of the contrast at its margins ([verdicts](verdicts.md)); empty "
        "where nothing is judged.",
        "status": "Whether there is an estimate: `converged`; `boundary` (an estimate at the edge of what can be, or "
        "without an interval); `not_converged`, `not_estimable`, `not_measured`, `suppressed` (no number, `note` says "
        "why).",
        "facts": "What else tables, figures and sentences are made of, as `name: value`, separated by semicolons. "
        + "; ".join(f"`{name}`: {meaning}" for name, meaning in facts.MEANINGS.items())
        + ".",
        "note": "What is to be said of the row, for a reader: remarks separated by semicolons, such as what was left "
        "out. Of a row without a number it says why there is none.",
    }
)
"""The meaning of each column of :data:`crampstudy.estimates.COLUMNS`, in its order."""

LINKS: Mapping[str, str] = MappingProxyType(
    {
        "rate_ratio, odds_ratio, prevalence_ratio, hazard_ratio": "log of the ratio",
        "rate, odds, dispersion, index_of_dispersion, standard_deviation": "log",
        "difference, mean, restricted_mean, log_amplitude": "that of the estimate itself, in its unit",
        "prevalence, proportion": "that of the share itself, though its interval is made on the logit scale; of an age "
        "curve logit, of the baseline of `survey-poisson` log",
        "survival": "log(−log S)",
        "share": "logit",
        "correlation, autocorrelation": "inverse hyperbolic tangent",
        "icc, mrr, mor": "log of the standard deviation that they follow from, or the logit of the share",
    }
)
"""The scale of ``std_error``, by that of the estimate; scales that are not named have none."""
