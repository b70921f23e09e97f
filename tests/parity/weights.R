# Case weights, and offsets of odds, in R: glm, MASS::glm.nb, glmmTMB, geepack::geeglm and sandwich::vcovCL.
# Run from this folder: Rscript weights.R   (reads diary/ and zeros-data.csv, writes weights.json)
# A weight of 2 stands for two nights that are alike. glmmTMB's optimiser stops early: Newton's method climbs on from
# there, and each person's weighted log-likelihood, written out and differenced by numDeriv, gives the robust covariances.
suppressPackageStartupMessages({
  library(MASS); library(sandwich); library(geepack); library(glmmTMB); library(numDeriv); library(jsonlite)
})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$age <- (nights$age_years - 60) / 10
nights$female <- as.integer(nights$sex == "female")
nights$day <- as.integer(as.Date(nights$date) - min(as.Date(nights$date)))
nights$times <- 1 + as.integer(format(as.Date(nights$date), "%d")) %% 3
nights$cramp_night <- as.integer(nights$cramps > 0)
terms <- c("age", "female", "alcohol_units")
nights <- nights[complete.cases(nights[c(terms, "hours_in_bed")]), ]
nights$person <- as.integer(factor(nights$participant_id))
nights <- nights[order(nights$person, nights$day), ]
tight <- glm.control(epsilon = 1e-15, maxit = 200)

told <- function(fit) {
  cluster <- function(adjust) vcovCL(fit, cluster = nights$person, type = "HC0", cadjust = adjust)
  list(coefficients = unname(coef(fit)), log_likelihood = as.numeric(logLik(fit)), rows = nobs(fit),
       covariance = list(cluster = unname(cluster(TRUE)), `cluster-hc0` = unname(cluster(FALSE)),
                         model = unname(vcov(fit))))
}
formulas <- function(outcome) list(
  none = reformulate(terms, outcome), hours = reformulate(c(terms, "offset(log(hours_in_bed))"), outcome)
)
# R's modelling functions look weights up where the formula was written: the calls are written out.
weighted <- function(model, formula, family, weights) {
  call <- substitute(MODEL(FORMULA, data = nights, weights = WEIGHTS, control = tight),
                     list(MODEL = as.name(model), FORMULA = formula, WEIGHTS = weights))
  if (model == "glm") call$family <- as.name(family)
  first <- eval(call)
  # The second fit starts at the maximum: glm's information belongs to the step before the last one.
  call$start <- unname(coef(first))
  if (model == "glm.nb") call$init.theta <- first$theta
  told(eval(call))
}
marginal <- function(formula, structure) {
  fit <- eval(substitute(
    geeglm(FORMULA, family = binomial, data = nights, id = person, waves = day, corstr = STRUCTURE,
           control = geese.control(epsilon = 1e-10, maxit = 200)), list(FORMULA = formula, STRUCTURE = structure)))
  list(coefficients = unname(coef(fit)), se = sqrt(diag(fit$geese$vbeta)), model_se = sqrt(diag(fit$geese$vbeta.naiv)))
}

data <- read.csv("zeros-data.csv")
data$times <- 1 + (seq_len(nrow(data)) - 1) %% 3
row_likelihood <- function(kind, y, eta, s, log_theta) {
  counts <- dnbinom(y, size = exp(log_theta), mu = exp(eta), log = TRUE)
  pi <- plogis(s)
  if (kind == "inflated") return(log(pi * (y == 0) + (1 - pi) * exp(counts)))
  zero <- dnbinom(0, size = exp(log_theta), mu = exp(eta), log = TRUE)
  ifelse(y == 0, log(pi), log1p(-pi) + counts - log(-expm1(zero)))
}
zeros <- function(kind, offset) {
  data$log_exposure <- if (offset) log(data$hours) else 0
  family <- list(inflated = nbinom2, hurdle = truncated_nbinom2)[[kind]]
  fit <- glmmTMB(cramps ~ x + w + offset(log_exposure), ziformula = ~x, data = data, family = family, weights = times)
  object <- fit$obj
  slope <- function(at) { object$fn(at); as.numeric(object$gr(at)) }
  at <- fit$fit$par
  for (i in 1:3) at <- at - solve(jacobian(slope, at), slope(at))
  hessian <- jacobian(slope, at)
  x <- model.matrix(~ x + w, data); z <- model.matrix(~x, data)
  which <- names(fit$fit$par)
  by_person <- function(at) {
    eta <- drop(x %*% at[which == "beta"]) + data$log_exposure
    s <- drop(z %*% at[which == "betazi"])
    drop(rowsum(data$times * row_likelihood(kind, data$cramps, eta, s, at[which == "betad"]), data$person))
  }
  value <- -as.numeric(object$fn(at))
  stopifnot(abs(sum(by_person(at)) - value) < 1e-8 * abs(value))
  bread <- solve((hessian + t(hessian)) / 2)
  robust <- bread %*% crossprod(jacobian(by_person, at)) %*% bread
  g <- length(unique(data$person))
  error <- function(v) sqrt(diag(v))[which != "betad"]
  stopifnot(identical(unname(which[which != "betad"]), rep(c("beta", "betazi"), c(3, 2))))
  list(coefficients = unname(at[which != "betad"]), log_likelihood = value,
       gradient = max(abs(slope(at)) * sqrt(diag(bread))),
       se = list(model = error(bread), `cluster-hc0` = error(robust), cluster = error(robust * g / (g - 1))))
}

both <- function(f) list(none = f(FALSE), hours = f(TRUE))
times <- quote(times)
results <- list(
  weighted = list(
    poisson = lapply(formulas("cramps"), function(f) weighted("glm", f, "poisson", times)),
    `negative-binomial` = lapply(formulas("cramps"), function(f) weighted("glm.nb", f, NULL, times)),
    logistic = lapply(formulas("cramp_night"), function(f) weighted("glm", f, "binomial", times)),
    `zero-inflated-negative-binomial` = both(function(offset) zeros("inflated", offset)),
    `hurdle-negative-binomial` = both(function(offset) zeros("hurdle", offset))
  ),
  offset = list(
    logistic = weighted("glm", formulas("cramp_night")$hours, "binomial", NULL),
    `gee-exchangeable` = marginal(formulas("cramp_night")$hours, "exchangeable"),
    `gee-ar1` = marginal(formulas("cramp_night")$hours, "ar1")
  ),
  versions = list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")),
                  sandwich = as.character(packageVersion("sandwich")),
                  geepack = as.character(packageVersion("geepack")),
                  glmmTMB = as.character(packageVersion("glmmTMB")))
)
write_json(results, "weights.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
