"""How formulaic makes the columns of a design: as arrays, the levels of a factor from their codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.materializers.pandas import PandasMaterializer, override
from formulaic.materializers.types import FactorValues
from formulaic.transforms.contrasts import ContrastsState, TreatmentContrasts

_TREATMENT = TreatmentContrasts()


class DesignMaterialiser(PandasMaterializer):  # type: ignore[misc]
    """Formulaic's own materialiser of data frames, but for factors whose levels are compared with the first one.

    Formulaic makes data frames of their levels, which take longer than a fit of a thousand rows. The numbers of a
    column of the matrix stand together, as nearly all that is asked of a design is asked column by column.
    """

    REGISTER_NAME = "crampstudy"
    REGISTER_INPUTS: Sequence[str] = ()

    @override  # type: ignore[untyped-decorator]
    def _combine_columns(self, cols: Sequence[tuple[str, Any]], spec: ModelSpec, drop_rows: Sequence[int]) -> Any:
        if spec.output != "numpy" or not cols:
            return super()._combine_columns(cols, spec, drop_rows)
        return np.array([np.asarray(values, dtype=np.float64) for _, values in cols]).T

    @override  # type: ignore[untyped-decorator]
    def _encode_categorical(
        self,
        values: Any,
        metadata: Any,
        encoder_state: dict[str, Any],
        spec: ModelSpec,
        drop_rows: Sequence[int],
        reduced_rank: bool = False,
    ) -> Any:
        column = values.__wrapped__ if isinstance(values, FactorValues) else values
        levels = list(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else None
        if levels is None or drop_rows or encoder_state.get("categories", levels) != levels:
            return super()._encode_categorical(values, metadata, encoder_state, spec, drop_rows, reduced_rank)
        encoder_state["categories"], encoder_state["contrasts"] = levels, ContrastsState(_TREATMENT, levels)
        codes = column.cat.codes.to_numpy()
        return FactorValues(
            {level: (codes == code).astype(np.float64) for code, level in enumerate(levels)},
            kind="categorical",
            column_names=tuple(levels),
            spans_intercept=_TREATMENT.get_spans_intercept(levels, reduced_rank=False),
            drop_field=_TREATMENT.get_drop_field(levels, reduced_rank=False),
            format=_TREATMENT.get_factor_format(levels, reduced_rank=False),
            format_reduced=_TREATMENT.get_factor_format(levels, reduced_rank=True),
            encoded=True,
        )
