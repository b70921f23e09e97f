"""How good predictions are: of counts, of probabilities, their calibration, and what decisions gain by them."""

from crampstudy.prediction.scores.binary import AreaUnderCurve, area_under_curve, brier, log_loss, weighted_area
from crampstudy.prediction.scores.calibration import Calibration, calibration, smooth_curve
from crampstudy.prediction.scores.counts import crps, dispersion, log_score, poisson_deviance
from crampstudy.prediction.scores.decision import net_benefit, net_benefit_of_all

__all__ = [
    "AreaUnderCurve",
    "Calibration",
    "area_under_curve",
    "brier",
    "calibration",
    "crps",
    "dispersion",
    "log_loss",
    "log_score",
    "net_benefit",
    "net_benefit_of_all",
    "poisson_deviance",
    "smooth_curve",
    "weighted_area",
]
