# Scores of predicted probabilities in R: aSAH of pROC (GPL), its areas under curves, and calibration as rms::val.prob
# computes it (logistic recalibration; lowess without robustness, ties averaged).
# Run from this folder: Rscript prediction.R   (writes prediction.json)
suppressPackageStartupMessages({ library(pROC); library(jsonlite) })
data(aSAH)
y <- as.numeric(aSAH$outcome == "Poor")
fit <- glm(y ~ age + s100b + gender, binomial, aSAH, control = glm.control(epsilon = 1e-14, maxit = 100))
p <- unname(fitted(fit))
distorted <- plogis(1.3 * qlogis(p) + 0.2)
line <- glm(y ~ qlogis(distorted), binomial, control = glm.control(epsilon = 1e-14, maxit = 100))
smooth <- lowess(distorted, y, iter = 0)
curve <- approx(smooth, xout = distorted, ties = mean)$y
apart <- abs(distorted - curve)
benefit <- function(t) mean(p >= t & y == 1) - mean(p >= t & y == 0) * t / (1 - t)
area <- function(marker) as.numeric(ci.auc(roc(y, marker, quiet = TRUE, direction = "<"), method = "delong"))
results <- list(
  outcome = y, s100b = aSAH$s100b, probability = p,
  calibration = list(intercept = unname(coef(line)[1]), slope = unname(coef(line)[2]), average = mean(apart),
                     largest = max(apart)),
  brier = mean((distorted - y)^2),
  net_benefit = setNames(lapply(c(0.2, 0.3, 0.5), benefit), c("0.2", "0.3", "0.5")),
  area_s100b = area(aSAH$s100b), area_probability = area(p),
  versions = list(R = as.character(getRversion()), pROC = as.character(packageVersion("pROC")))
)
write(toJSON(results, digits = NA, auto_unbox = TRUE, pretty = FALSE), "prediction.json")
