# Zero-inflated and hurdle negative-binomial models in R: glmmTMB, and the same likelihoods written out with dnbinom.
# Run from this folder: Rscript zeros.R   (reads zeros-data.csv and zeros-sets.csv, writes zeros.json)
# glmmTMB's optimiser stops at a tolerance of about 1e-4 standard errors: Newton's method climbs on from there, and the
# information is differenced from its gradient. Cluster-robust covariances, which glmmTMB lacks, are those of each
# person's log-likelihood, written out and differenced by numDeriv at that maximum.
suppressPackageStartupMessages({library(glmmTMB); library(numDeriv); library(jsonlite)})

data <- read.csv("zeros-data.csv")
sets <- read.csv("zeros-sets.csv")
families <- list(inflated = nbinom2, hurdle = truncated_nbinom2)

row_likelihood <- function(kind, y, eta, s, log_theta) {
  counts <- dnbinom(y, size = exp(log_theta), mu = exp(eta), log = TRUE)
  pi <- plogis(s)
  if (kind == "inflated") return(log(pi * (y == 0) + (1 - pi) * exp(counts)))
  zero <- dnbinom(0, size = exp(log_theta), mu = exp(eta), log = TRUE)
  ifelse(y == 0, log(pi), log1p(-pi) + counts - log(-expm1(zero)))
}

one <- function(kind, terms, zero, offset) {
  data$log_exposure <- if (offset) log(data$hours) else 0
  formula <- as.formula(paste("cramps ~", terms, "+ offset(log_exposure)"))
  zero <- as.formula(paste("~", zero))
  fit <- glmmTMB(formula, ziformula = zero, data = data, family = families[[kind]])
  object <- fit$obj
  slope <- function(at) { object$fn(at); as.numeric(object$gr(at)) }
  at <- fit$fit$par
  for (i in 1:3) at <- at - solve(jacobian(slope, at), slope(at))
  hessian <- jacobian(slope, at)
  hessian <- (hessian + t(hessian)) / 2
  x <- model.matrix(as.formula(paste("~", terms)), data); z <- model.matrix(zero, data)
  which <- names(fit$fit$par)
  by_person <- function(at) {
    eta <- drop(x %*% at[which == "beta"]) + data$log_exposure
    s <- drop(z %*% at[which == "betazi"])
    drop(rowsum(row_likelihood(kind, data$cramps, eta, s, at[which == "betad"]), data$person))
  }
  value <- -as.numeric(object$fn(at))
  stopifnot(abs(sum(by_person(at)) - value) < 1e-8 * abs(value))
  bread <- solve(hessian)
  robust <- bread %*% crossprod(jacobian(by_person, at)) %*% bread
  g <- length(unique(data$person))
  error <- function(v) lapply(list(counts = "beta", zero = "betazi"), function(n) sqrt(diag(v))[which == n])
  list(coefficients = at[which == "beta"], zero = at[which == "betazi"], dispersion = exp(-at[which == "betad"]),
       dispersion_error = sqrt(diag(bread))[which == "betad"], log_likelihood = value,
       gradient = max(abs(slope(at)) * sqrt(diag(bread))),
       se = list(model = error(bread), `cluster-hc0` = error(robust), cluster = error(robust * g / (g - 1))))
}

# The likelihood at which glmmTMB stops, written out: its own is off by 0.1 where log theta runs off to 28.
of_set <- function(kind, number) {
  these <- sets[sets$set == number, ]
  # glmmTMB takes its weights into the likelihood: rows that many times.
  fit <- tryCatch(suppressWarnings(glmmTMB(cramps ~ x + w + offset(log(hours)), ziformula = ~x, data = these,
                                           weights = times, family = families[[kind]])), error = function(e) NULL)
  if (is.null(fit)) return(NA)
  at <- fit$fit$par
  eta <- drop(model.matrix(~ x + w, these) %*% at[names(at) == "beta"]) + log(these$hours)
  s <- drop(model.matrix(~x, these) %*% at[names(at) == "betazi"])
  sum(these$times * row_likelihood(kind, these$cramps, eta, s, at[["betad"]]))
}

kinds <- c("inflated", "hurdle")
numbers <- sort(unique(sets$set))
named <- function(values, f) setNames(lapply(values, f), values)
results <- list(
  fits = named(kinds, function(kind) list(
    plain = one(kind, "x + w", "1", FALSE),
    zero_terms = one(kind, "x + w", "x + w", FALSE),
    hours = one(kind, "x + w", "x", TRUE)
  )),
  sets = named(kinds, function(kind) sapply(numbers, function(n) of_set(kind, n))),
  versions = list(R = as.character(getRversion()), glmmTMB = as.character(packageVersion("glmmTMB")))
)
write_json(results, "zeros.json", digits = NA, auto_unbox = TRUE, pretty = TRUE, na = "null")
