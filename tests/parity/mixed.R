# Mixed models of the synthetic diary in R: lme4::glmer with 9 nodes, glmmTMB (Laplace).
# Run from this folder: Rscript mixed.R   (writes mixed.json; some minutes)
# Both are climbed on by Newton's method from where their optimisers stop (tolerances of about 1e-4 standard errors),
# and the information is differenced from the gradient there, so that the digits compared are those of the maximum.
suppressPackageStartupMessages({library(lme4); library(glmmTMB); library(numDeriv); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights <- nights[complete.cases(nights[c("age_years", "sex", "diabetes", "alcohol_units", "hours_in_bed")]), ]
nights$age_decade <- (nights$age_years - 60) / 10
nights$female <- as.numeric(nights$sex == "female")
nights$diabetes <- as.numeric(nights$diabetes == "true")
nights$cramp_night <- as.numeric(nights$cramps > 0)
nights$weekend <- as.numeric(format(as.Date(nights$date), "%u") >= "6")

# The awkward cases: the same changes are made in tests/test_mixed.py.
totals <- tapply(nights$cramps, nights$participant_id, sum)
worst <- names(which.max(totals))
rest <- sum(totals) - max(totals)
cases <- list(
  plain = nights,
  twelve = nights[nights$participant_id %in% head(sort(unique(nights$participant_id)), 12), ],
  half = transform(nights, cramps = ifelse(participant_id == worst, cramps * round(rest / max(totals)), cramps)),
  two_hundred = transform(nights, cramps = cramps * 100),
  rare = transform(nights, cramp_night = cramp_night * (substr(date, 9, 10) %in% c("10", "20", "30")))
)
fixed <- "age_decade + female + weekend + alcohol_units"

# Newton's method with the first information, which is then taken anew.
newton <- function(gradient, information, at, times = 3) {
  first <- information(at)
  for (i in seq_len(times)) at <- at - solve(first, gradient(at))
  hessian <- information(at)
  list(at = at, hessian = (hessian + t(hessian)) / 2)
}

told <- function(name) cat(format(Sys.time(), "%X"), name, "\n", file = stderr())

by_lme4 <- function(outcome, case, family, offset = NULL, columns = fixed, nodes = 9) {
  told(paste("lme4", outcome, case))
  data <- cases[[case]]
  data$log_exposure <- if (is.null(offset)) 0 else log(data[[offset]])
  formula <- as.formula(paste(outcome, "~", columns, "+ offset(log_exposure) + (1 | participant_id)"))
  control <- glmerControl(tolPwrss = 1e-10)  # lower ends the inner loop in noise
  parts <- glFormula(formula, data = data, family = family, control = control)
  deviance <- do.call(mkGlmerDevfun, c(parts, list(control = control)))
  first <- optimizeGlmer(deviance)
  deviance <- updateGlmerDevfun(deviance, parts$reTrms, nAGQ = nodes)
  second <- optimizeGlmer(deviance, stage = 2)
  half <- function(x) deviance(x) / 2
  wide <- list(d = 0.01)
  slope <- function(x) grad(half, x, method.args = wide)
  end <- newton(slope, function(x) hessian(half, x, method.args = wide), second$par)
  covariance <- solve(end$hessian)
  error <- sqrt(diag(covariance))
  list(coefficients = end$at[-1], se = error[-1], sd = end$at[1], sd_error = error[1] / end$at[1],
       log_likelihood = -half(end$at),
       gradient = max(abs(slope(end$at)) * error), rows = nrow(data))
}

by_glmmtmb <- function(outcome, case, family, offset = NULL, effect = "(1 | participant_id)", columns = fixed) {
  told(paste("glmmTMB", outcome, case))
  data <- cases[[case]]
  data$log_exposure <- if (is.null(offset)) 0 else log(data[[offset]])
  formula <- as.formula(paste(outcome, "~", columns, "+ offset(log_exposure) +", effect))
  fit <- glmmTMB(formula, data = data, family = family)
  object <- fit$obj
  object$fn(fit$fit$par)
  slope <- function(x) { object$fn(x); as.numeric(object$gr(x)) }
  end <- newton(slope, function(x) jacobian(slope, x), fit$fit$par)
  value <- object$fn(end$at)
  covariance <- solve(end$hessian)
  names <- names(fit$fit$par)
  at <- end$at
  error <- sqrt(diag(covariance))
  theta <- at[names == "theta"]
  out <- list(coefficients = at[names == "beta"], se = error[names == "beta"], log_likelihood = -as.numeric(value),
              gradient = max(abs(as.numeric(object$gr(at))) * error), rows = nrow(data))
  out$sd <- exp(theta[1:min(2, length(theta))])
  out$sd_error <- error[names == "theta"][seq_along(out$sd)]
  if (length(theta) == 3) out$correlation <- theta[3] / sqrt(1 + theta[3]^2)
  if (any(names == "betad")) {
    out$dispersion <- exp(-at[names == "betad"])
    out$dispersion_error <- error[names == "betad"]
  }
  out
}

cases$slopes <- transform(read.csv("mixed-slopes.csv"), participant_id = person, cramps = y, cramp_night = as.numeric(y > 0))
slopes <- "(1 + x | participant_id)"
results <- list(
  lme4 = list(
    poisson = by_lme4("cramps", "plain", poisson),
    poisson_hours = by_lme4("cramps", "plain", poisson, "hours_in_bed"),
    logistic = by_lme4("cramp_night", "plain", binomial),
    logistic_hours = by_lme4("cramp_night", "plain", binomial, "hours_in_bed"),
    poisson_twelve = by_lme4("cramps", "twelve", poisson, columns = "weekend + alcohol_units"),
    poisson_half = by_lme4("cramps", "half", poisson),
    poisson_two_hundred = by_lme4("cramps", "two_hundred", poisson),
    logistic_rare = by_lme4("cramp_night", "rare", binomial, columns = "age_decade + female")
  ),
  glmmTMB = list(
    poisson = by_glmmtmb("cramps", "plain", poisson),
    logistic = by_glmmtmb("cramp_night", "plain", binomial),
    negative_binomial = by_glmmtmb("cramps", "plain", nbinom2),
    negative_binomial_hours = by_glmmtmb("cramps", "plain", nbinom2, "hours_in_bed"),
    negative_binomial_twelve = by_glmmtmb("cramps", "twelve", nbinom2, columns = "weekend + alcohol_units"),
    negative_binomial_half = by_glmmtmb("cramps", "half", nbinom2),
    negative_binomial_two_hundred = by_glmmtmb("cramps", "two_hundred", nbinom2),
    poisson_slope = by_glmmtmb("cramps", "slopes", poisson, effect = slopes, columns = "age + x"),
    logistic_slope = by_glmmtmb("cramp_night", "slopes", binomial, effect = slopes, columns = "age + x"),
    negative_binomial_slope = by_glmmtmb("cramps", "slopes", nbinom2, effect = slopes, columns = "age + x"),
    poisson_slope_at_boundary = by_glmmtmb("cramps", "plain", poisson, effect = "(1 + weekend | participant_id)")
  ),
  versions = list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
                  glmmTMB = as.character(packageVersion("glmmTMB")))
)
write_json(results, "mixed.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
