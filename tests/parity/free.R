# Partial proportional odds in R, with participants as clusters: ordinal::clm, and what it lacks written out.
# Run from this folder: Rscript free.R   (reads ordinal-data.csv, writes free.json)
# sandwich knows no clm with nominal effects: the robust covariances are those of each participant's log-likelihood,
# written out and differenced by numDeriv at clm's maximum.
suppressPackageStartupMessages({library(ordinal); library(numDeriv); library(jsonlite)})

data <- read.csv("ordinal-data.csv")
data$level <- factor(data$class)
fit <- clm(level ~ age + female, nominal = ~score, data = data, control = clm.control(gradTol = 1e-12, maxIter = 200L))
# Slopes of clm's nominal columns are of a class at or below the threshold.
order <- c("age", "female", paste0(0:3, "|", 1:4, ".(Intercept)"), paste0(0:3, "|", 1:4, ".score"))
sign <- rep(c(1, -1), c(6, 4))
at <- unname(sign * coef(fit)[order])
bread <- unname(outer(sign, sign) * vcov(fit)[order, order])
by_person <- function(at) {
  below <- sapply(1:4, function(j) plogis(at[2 + j] - at[6 + j] * data$score - at[1] * data$age - at[2] * data$female))
  chances <- t(apply(cbind(0, below, 1), 1, diff))
  drop(rowsum(log(chances[cbind(seq_len(nrow(data)), data$class + 1)]), data$participant))
}
stopifnot(abs(sum(by_person(at)) - as.numeric(logLik(fit))) < 1e-9 * abs(as.numeric(logLik(fit))))
robust <- bread %*% crossprod(jacobian(by_person, at)) %*% bread
g <- length(unique(data$participant))
error <- function(v) sqrt(diag(v))
write_json(list(
  parameters = at, se = list(model = error(bread), `cluster-hc0` = error(robust), cluster = error(robust * g / (g - 1))),
  versions = list(R = as.character(getRversion()), ordinal = as.character(packageVersion("ordinal")),
                  numDeriv = as.character(packageVersion("numDeriv")))
), "free.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
