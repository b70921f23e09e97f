"""``fit``: one door to every model, one shape of result.

A model that cannot be fitted is not an exception: its rows say ``not_estimable`` or ``not_converged`` with
the reason, and show no number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from crampstudy.age_bands import AgeBands
from crampstudy.estimates import adjustment, kinds
from crampstudy.estimates.verdicts import MARGINS, Margins

# The families, and the libraries under them, are loaded by the first fit.
if TYPE_CHECKING:
    from crampstudy.causal import CausalGraph
    from crampstudy.cohort import Cohort
    from crampstudy.models.coefficients.result import Fit
    from crampstudy.models.family import Family
    from crampstudy.models.inference.covariance import Covariance
    from crampstudy.models.request import ModelRequest
    from crampstudy.nights import Diary


def fit(
    cohort: Cohort | Diary,
    *,
    model: str,
    terms: str,
    outcome: str | None = None,
    exposure: str = "nights",
    covariance: Covariance = "auto",
    random_slope: str | None = None,
    zero_terms: str | None = None,
    free_terms: str | None = None,
    at_most: int | None = None,
    near_nightly: bool = False,
    participants_per_coefficient: int | None = None,
    where: str | None = None,
    weight: str | None = None,
    ci_level: float = 0.95,
    bands: AgeBands | None = None,
    per: Mapping[str, float] | None = None,
    margins: Margins = MARGINS,
    analysis: str = kinds.REGRESSION.name,
    second_opinion: bool = False,
    effect_of: str | None = None,
    graph: CausalGraph | None = None,
    adjusted_for: Sequence[str] = (),
) -> Fit:
    """Fit ``outcome`` on ``terms`` and return tidy estimates.

    Args:
        cohort: a diary for the models of nights and of cramps, for nights and gaps also one that is only scanned; a
            survey for ``interval-count`` and those named ``survey-``.
        model: one of :data:`crampstudy.models.MODELS`.
        terms: a formulaic right-hand side over codebook names, the cohort's own columns, ``age_decade``
            (per 10 years, centred at 60) and ``age_band``. ``ns(age_years, df=3, ref=60)`` is a natural cubic spline:
            a joint test and ratios against ``ref``, knots at quantiles of the participants or as ``knots=[...]``,
            shown at round values or ``at=[...]``. ``within(x)`` is a night's deviation from the participant's mean of a
            column of the diary, ``between(x)`` that mean, ``lag(x, 1)``, ``lead(x, 1)``, ``mean_last(x, 7)``,
            ``days_last(x, 14)`` and ``load_ratio(x)`` are of other nights (nights). ``offset(log(x))`` enters with
            coefficient 1 (nights; survey-logistic and survey-poisson); ``weights(w)`` says as how many nights a night
            counts (not for mixed models and GEE).
        outcome: one of the model's outcomes; the first of them by default. Of ``linear``, ``mixed-linear`` and GEE
            also any number of the diary, such as ``sleep_hours``; of ``survey-linear`` any of the participants.
        exposure: ``nights`` (1 per observed night) or ``hours_in_bed``; enters as log offset.
        covariance: ``auto``, the one that covers with as many participants as there are, which ``note`` names; or
            ``cluster`` (participant scores, G/(G-1)), ``cluster-hc0``, ``cluster-small`` (bias-reduced, CR2, with
            Satterthwaite df; Poisson, negative binomial, logistic and linear alone), ``cluster-joint`` (negative
            binomial, the dispersion estimated along) or ``model``. That of a survey is always of its sampling design.
        random_slope: a term of a mixed model whose slope differs between participants.
        zero_terms: a right-hand side for the zero part of a zero-inflated or a hurdle model; the same odds for all
            without it.
        free_terms: terms of an ordinal model, joined by ``+``, whose odds ratios may differ between classes.
        at_most: for recalled counts, the answer is taken to count nights with a cramp, at most so many (30).
        near_nightly: for recalled counts, a share of people who cramp night after night is estimated as well.
        participants_per_coefficient: the last terms are left out, and named, until there are so many participants to
            every coefficient; by default all are fitted.
        where: condition that names a part of the cohort, such as ``age_years >= 20``.
        weight: weight column of a survey; by default that of the most restrictive variable.
        ci_level: confidence level, above 0 and below 1.
        bands: age bands behind ``age_band``.
        per: multiples in which numeric terms are reported, such as ``{"exercise_min": 30}``.
        margins: the ratios between which a verdict takes one as good as 1.
        analysis: kind of the rows by name (:mod:`crampstudy.estimates.kinds`), one of a fit.
        second_opinion: the model is refitted by statsmodels on the same rows, one by one, and ``second_opinion`` of the
            fit says how far the two are apart.
        effect_of: the term whose effect is of interest: ``note`` says whether the others suffice for it under the
            ``graph``, and names those that stand on its path or open another (:mod:`crampstudy.causal`).
        graph: who causes whom; by default :func:`crampstudy.causal.study`.
        adjusted_for: the terms that are there for the sake of the others. One that sets the outcome apart, such as a
            habit of 13 nights all without a cramp, would leave none of them an estimate: it is left out, and ``note``
            and ``lacks`` say so.

    Returns:
        Ratios of rates, odds, prevalences or hazards, or differences of a number, a row per term and level, and beside
        the row of a number per unit one of its declared contrast (:mod:`crampstudy.codebook.contrasts`), which alone
        has a verdict; then the intercept or the odds above each class, and what else the model has: dispersion, spread
        of participants and what follows from it, working correlation, zero part.
        A term whose variable the cohort lacks is a row with status ``not_measured``, one that does not vary on the
        rows fitted a row with status ``not_estimable``; the others are fitted. A mixed model or GEE with a nightly
        exposure has further rows, of the analysis ``..., within and between``: both ratios that the exposure's own
        mixes, and the test that they are equal; one with ``between(x)`` has the reliability of that mean. Of a list of
        events (:func:`crampstudy.nights.denominator`) no model of nights has an estimate.

    Raises:
        UsageError: an argument is none of what is allowed, or a name is unknown.

    Source: Liang and Zeger 1986 (cluster-robust, GEE); Pustejovsky and Tipton 2018 (CR2); Pinheiro and Bates 1995
    (mixed); Laird and Ware 1982 (mixed, linear); Binder 1983 (survey); Lambert 1992, Mullahy 1986 (zeros); McCullagh
    1980 (ordinal); Cox 1972, Prentice, Williams and Peterson 1981 (times).
    """
    from crampstudy.models.request import ModelOptions, ModelRequest
    from crampstudy.models.validation import default_outcome

    options = ModelOptions(random_slope, zero_terms, free_terms, at_most, near_nightly)
    request = ModelRequest(
        cohort,
        model,
        terms,
        default_outcome(model, outcome),
        exposure=exposure,
        covariance=covariance,
        where=where,
        weight=weight,
        ci_level=ci_level,
        bands=bands or AgeBands(),
        per=per or {},
        margins=margins,
        analysis=analysis,
        participants_per_coefficient=participants_per_coefficient,
        options=options,
        effect_of=effect_of,
        graph=graph,
        adjusted_for=tuple(adjusted_for),
    )
    return answer(request, second_opinion=second_opinion)


def fit_under(
    cohort: Cohort | Diary,
    covariances: Sequence[Covariance],
    *,
    model: str,
    terms: str,
    outcome: str | None = None,
    **more: Any,
) -> list[Fit]:
    """Return the fits of one model that differ in their covariance alone; what they share is made once.

    Args:
        cohort: as of :func:`fit`.
        covariances: that of each fit.
        model: as of :func:`fit`.
        terms: as of :func:`fit`.
        outcome: as of :func:`fit`.
        more: other arguments of a request, such as ``where`` or ``ci_level``; no term is left out of ``adjusted_for``.

    Raises:
        UsageError: as of :func:`fit`.
    """
    from crampstudy.models.registry import find
    from crampstudy.models.request import ModelRequest
    from crampstudy.models.validation import default_outcome, validate, with_remarks

    request = with_remarks(validate(ModelRequest(cohort, model, terms, default_outcome(model, outcome), **more)))
    asked = [validate(replace(request, covariance=kind)) for kind in covariances]
    family = find(request.model)
    return [_complete(family, one, fitted, {}) for one, fitted in zip(asked, family.fits(asked), strict=True)]


def answer(request: ModelRequest, *, second_opinion: bool = False) -> Fit:
    """Answer a request by its family, as :func:`fit` does.

    Raises:
        UsageError: it does not hold together, or a name is unknown.
    """
    from crampstudy.models.covariates import settle, without
    from crampstudy.models.registry import find
    from crampstudy.models.validation import validate, with_remarks

    def attempt(out: Mapping[str, str]) -> Fit:
        asked = with_remarks(validate(without(request, out)))
        family = find(asked.model)
        return _complete(family, asked, family.fit(asked), out)

    fitted, left_out = settle(request.adjusted_for, attempt)
    if not second_opinion:
        return fitted
    from crampstudy.models.second_opinion import second_opinion as refitted

    asked = with_remarks(validate(without(request, left_out)))
    return replace(fitted, second_opinion=refitted(asked, find(asked.model).opinion(asked, fitted.status)))


def _complete(family: Family, request: ModelRequest, fitted: Fit, left_out: Mapping[str, str]) -> Fit:
    """Return a fit with what its family says of it, how its residuals are found, and which terms its rows lack.

    Args:
        family: the family that was asked.
        request: what it was asked.
        fitted: its answer.
        left_out: the covariates that the request was made without, each with the reason.
    """
    from crampstudy.models.coefficients import in_another_unit
    from crampstudy.models.coefficients.whole_cohort import told_of_whole

    fitted = in_another_unit.unjudged(told_of_whole(fitted, request), request)
    if left_out:
        from crampstudy.models.coefficients.result import with_left_out
        from crampstudy.models.covariates import shown

        by_term = {term: why for each, why in left_out.items() for term in shown(each)}
        fitted = with_left_out(fitted, request, by_term)
    if lost := (*fitted.surplus, *fitted.left_out):
        cells = adjustment.cells(adjustment.LEFT_OUT, lost)
        linear = fitted.linear and replace(fitted.linear, cells={**fitted.linear.cells, **cells})
        fitted = replace(fitted, estimates=adjustment.stated(fitted.estimates, cells), linear=linear)
    return replace(fitted, no_aic=family.no_aic, recall=partial(family.residuals, request))
