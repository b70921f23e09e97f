"""What a truth says of itself: as JSON beside the cohort, and as Markdown tables."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from crampstudy.simulate.corruption.degrade import Mess
from crampstudy.simulate.draw.direct_age_effect import direct_log_ratio
from crampstudy.simulate.estimands.covariates import covariate
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.parameters import describe
from crampstudy.simulate.truth.truth import GROUPS, TABLES, Truth

FORMAT = "crampstudy-truth/2"

MODEL = (
    "cramps[i, t] ~ Poisson(rate_per_week / 7 * exp(sum over effects of log_rate_ratio * x[i, t]) * season[t] * "
    "treatment[i, t] * person[i] * lasting[i, t] * night[i, t]); person: gamma with shape person_shape, but for the "
    "near-nightly class; lasting: log-normal, from night to night and slow; night: gamma with variance "
    "night_dispersion; each with mean one and independent of all else"
)


def as_json(truth: Truth, mess: Mess, more: Mapping[str, Any]) -> str:
    """Return a truth and its mess as JSON, the same bytes for the same truth; ``more`` is stated first."""
    content: dict[str, Any] = {
        "format": FORMAT,
        **more,
        "model": MODEL,
        "parents": {column: list(of) for column, of in causal_graph.parents(truth).items() if of},
        "parameters": {name: describe(getattr(truth, name)) for name in GROUPS},
        **{name: [row.as_dict() for row in getattr(truth, name)] for name in TABLES},
        "tables_basis": "what names no citation is a plausible assumption and not an estimate",
        "mess": mess.described(),
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def as_markdown(truth: Truth) -> str:
    """Return the effects and the scalar parameters as two Markdown tables."""
    return "\n".join(_markdown_rows(truth)) + "\n"


def _markdown_rows(truth: Truth) -> Iterator[str]:
    yield "| term | x | log rate ratio | rate ratio | basis | source |"
    yield "|---|---|---|---|---|---|"
    for e in truth.effects:
        meaning = " (total)" if e.meaning == "total" else ""
        ratio = f"{e.log_rate_ratio:g}{meaning} | {math.exp(e.log_rate_ratio):.2f}"
        yield f"| {e.term} | {covariate(truth, e)} | {ratio} | {e.basis} | {e.citation or ''} |"
        if e.meaning == "total":
            own = direct_log_ratio(truth, e)
            yield f"| {e.term}, direct | | {own:.3f} | {math.exp(own):.2f} | derived | |"
    yield ""
    yield "| parameter | value | unit | basis |"
    yield "|---|---|---|---|"
    for group in GROUPS:
        for name, item in describe(getattr(truth, group)).items():
            value = ", ".join(map(str, item["value"])) if isinstance(item["value"], list) else item["value"]
            yield f"| {group}.{name} | {value} | {item['unit'] or ''} | {item['basis']} |"
