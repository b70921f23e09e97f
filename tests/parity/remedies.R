# Remedies within participants in R: coxph with strata, lm and Poisson glm with an intercept for each participant.
# Run from this folder: Rscript remedies.R   (reads remedies-data.csv, writes remedies.json)
suppressPackageStartupMessages({library(survival); library(sandwich); library(jsonlite)})

data <- read.csv("remedies-data.csv", stringsAsFactors = FALSE)
data$remedy <- relevel(factor(data$remedy, levels = c("none", "stretch", "cold")), ref = "none")
data$id <- data$participant_id
data$sore <- as.integer(data$residual_soreness == "true")
data$fall <- data$pain_0_10 - data$pain_after_0_10
different <- ave(as.integer(data$remedy), data$id, FUN = function(x) length(unique(x))) > 1
compared <- data[different, ]
ever <- compared[ave(compared$sore, compared$id, FUN = sum) > 0, ]

told <- function(b, V, rows) {
  own <- c("remedystretch", "remedycold")
  list(coefficients = unname(b[own]), errors = unname(sqrt(diag(V)[own])), cramps = nrow(rows),
       participants = length(unique(rows$id)))
}
relief <- function(formula) {
  control <- coxph.control(eps = 1e-11, iter.max = 100)
  fit <- coxph(formula, data = compared, cluster = id, ties = "efron", control = control)
  G <- length(unique(compared$id))
  V <- fit$var * G / (G - 1)
  dimnames(V) <- list(names(coef(fit)), names(coef(fit)))
  told(coef(fit), V, compared)
}
clustered <- function(fit, rows) told(coef(fit), vcovCL(fit, cluster = rows$id, type = "HC0", cadjust = TRUE), rows)
sore <- function(formula) {
  tight <- glm.control(epsilon = 1e-15, maxit = 200)
  first <- glm(formula, data = ever, family = poisson, control = tight)
  # The second fit starts at the maximum: glm's information belongs to the step before the last one.
  clustered(glm(formula, data = ever, family = poisson, control = tight, start = coef(first)), ever)
}
write(toJSON(list(
  relief = relief(Surv(relief_s) ~ remedy + strata(id)),
  relief_at_equal_pain = relief(Surv(relief_s) ~ remedy + pain_0_10 + strata(id)),
  pain_fall = clustered(lm(fall ~ remedy + id, data = compared), compared),
  pain_fall_at_equal_pain = clustered(lm(fall ~ remedy + pain_0_10 + id, data = compared), compared),
  residual_soreness = sore(sore ~ remedy + id),
  residual_soreness_at_equal_pain = sore(sore ~ remedy + pain_0_10 + id)
), digits = 12, auto_unbox = TRUE, pretty = TRUE), "remedies.json")
