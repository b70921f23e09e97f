"""How often the intervals of main rows cover the truth, in cohorts of a report's own design whose truth is known."""

from crampstudy.rerun.certificate.coverage import Certificate, RowCoverage, certify
from crampstudy.rerun.certificate.design import CohortDesign, design_of

__all__ = ["Certificate", "CohortDesign", "RowCoverage", "certify", "design_of"]
