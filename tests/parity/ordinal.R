# Ordered classes of cramps, episodes and a survey in R: MASS::polr, sandwich, ordinal::clm and survey::svyolr.
# With people.csv, what `python tests/parity/ordinal_data.py ../shared/data/nhanes > people.csv` writes, as argument
# the NHANES fit is made anew; without, the earlier one is kept.
suppressPackageStartupMessages({
  library(MASS); library(sandwich); library(ordinal); library(survey); library(jsonlite)
})
options(survey.lonely.psu = "adjust", survey.adjust.domain.lonely = TRUE)
script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
here <- if (length(script)) dirname(script) else "."
data <- read.csv(file.path(here, "ordinal-data.csv"))
data$level <- factor(data$class)
terms <- c("age", "female", "score")
formula <- level ~ age + female + score
tight <- list(reltol = 1e-16, maxit = 1000)

# BFGS stops where a step gains too little; begun anew at its end, it goes on with a fresh metric.
to_the_end <- function(refit, fit) {
  for (i in 1:5) fit <- refit(unname(c(fit$coefficients, fit$zeta[1], log(diff(fit$zeta)))))
  fit
}

proportional <- function(times) {
  data$times <- times
  fit <- polr(formula, data = data, weights = times, Hess = TRUE, control = tight)
  # polr takes its start as thresholds, not as the logarithms of their distances.
  for (i in 1:5)
    fit <- polr(formula, data = data, weights = times, Hess = TRUE, control = tight, start = unname(c(coef(fit), fit$zeta)))
  # sandwich() divides by the number of rows what bread() multiplies by the sum of the weights: written out instead.
  sums <- rowsum(estfun(fit), data$participant)
  groups <- nrow(sums)
  hc0 <- vcov(fit) %*% crossprod(sums) %*% vcov(fit)
  list(
    coefficients = unname(coef(fit)), thresholds = unname(fit$zeta), log_likelihood = as.numeric(logLik(fit)),
    covariance = list(
      model = unname(vcov(fit)), `cluster-hc0` = unname(hc0), cluster = unname(hc0 * groups / (groups - 1))
    ),
    vcov_cl = if (all(times == 1))
      unname(vcovCL(fit, cluster = data$participant, type = "HC0", cadjust = TRUE)),
    probabilities = unname(predict(fit, data[1:5, ], type = "probs"))
  )
}

# Slopes of clm's nominal columns are of a class at or below the threshold.
partial <- function(times) {
  data$times <- times
  strict <- clm.control(gradTol = 1e-12, maxIter = 200L)
  fit <- clm(level ~ age + female, nominal = ~score, data = data, weights = times, control = strict)
  held <- clm(formula, data = data, weights = times, control = strict)
  free <- list(
    clm(level ~ 1, nominal = ~age + female + score, data = data, weights = times, control = strict),
    clm(level ~ female + score, nominal = ~age, data = data, weights = times, control = strict),
    clm(level ~ age + score, nominal = ~female, data = data, weights = times, control = strict),
    fit
  )
  sign <- c(rep(1, 4), rep(-1, 4), rep(1, 2))
  order <- c(9, 10, 1:4, 5:8)
  list(
    parameters = unname((sign * coef(fit))[order]), log_likelihood = as.numeric(logLik(fit)),
    covariance = unname((outer(sign, sign) * vcov(fit))[order, order]),
    proportional = list(
      parameters = unname(coef(held)[c(5:7, 1:4)]), covariance = unname(vcov(held)[c(5:7, 1:4), c(5:7, 1:4)])
    ),
    likelihood_ratio = list(
      column = c("all columns", terms),
      statistic = sapply(free, function(other) 2 * as.numeric(logLik(other) - logLik(held)))
    )
  )
}

# Brant (1990), written out from binary logits; `variance` is made of rows' shares in the slopes instead, where given.
brant <- function(data, times, variance = NULL) {
  X <- cbind(1, as.matrix(data[terms]))
  cuts <- 0:3
  data$times <- times / mean(times)
  fits <- lapply(cuts, function(j) {
    data$above <- as.integer(data$class > j)
    control <- glm.control(epsilon = 1e-15, maxit = 100)
    glm(above ~ age + female + score, family = quasibinomial, data = data, weights = times, control = control)
  })
  chance <- sapply(fits, function(f) plogis(drop(X %*% coef(f))))
  bread <- lapply(seq_along(cuts), function(j) solve(crossprod(X, times * chance[, j] * (1 - chance[, j]) * X)))
  slopes <- unlist(lapply(fits, function(f) coef(f)[-1]))
  p <- length(terms)
  if (is.null(variance)) {
    V <- matrix(0, 4 * p, 4 * p)
    for (j in 1:4) for (k in 1:4) {
      joint <- chance[, max(j, k)] - chance[, j] * chance[, k]
      block <- bread[[j]] %*% crossprod(X, times * joint * X) %*% bread[[k]]
      V[(j - 1) * p + 1:p, (k - 1) * p + 1:p] <- block[-1, -1]
    }
  } else {
    shares <- lapply(seq_along(cuts), function(j) (times * ((data$class > cuts[j]) - chance[, j]) * X) %*% bread[[j]])
    V <- variance(do.call(cbind, lapply(shares, function(s) s[, -1])))
  }
  D <- cbind(-1, diag(3)) %x% diag(p)
  each <- c(list(1:(3 * p)), lapply(1:p, function(i) seq(i, 3 * p, by = p)))
  statistic <- sapply(each, function(rows) {
    d <- (D %*% slopes)[rows]
    sum(d * solve((D %*% V %*% t(D))[rows, rows], d))
  })
  df <- lengths(each)
  list(column = c("all columns", terms), statistic = statistic, df = df, p_value = pchisq(statistic, df, lower.tail = FALSE))
}
robust <- function(shares) {
  sums <- rowsum(shares, data$participant)
  crossprod(sums) * nrow(sums) / (nrow(sums) - 1)
}

# svyolr takes its start as the first threshold and the logarithms of the distances.
weighted <- function(formula, design) {
  control <- list(reltol = 1e-16, maxit = 1000)
  fit <- svyolr(formula, design, control = control)
  fit <- to_the_end(function(start) do.call(svyolr, list(formula, design, start = start, control = control)), fit)
  list(
    coefficients = unname(fit$coefficients), thresholds = unname(fit$zeta), covariance = unname(fit$var),
    df = degf(design), df_residual = fit$df.residual
  )
}
design_weighted <- function(psu, members = data$domain == 1) {
  design <- svydesign(ids = as.formula(paste0("~", psu)), strata = ~stratum, weights = ~weight, data = data, nest = TRUE)
  domain <- design[members, ]
  spread <- function(shares) svyrecvar(shares, domain$cluster, domain$strata, domain$fpc)
  c(weighted(formula, domain), list(brant = brant(domain$variables, unname(weights(domain)), spread)))
}
nhanes <- function(file) {
  people <- read.csv(file)
  people$decade <- (people$age_years - 60) / 10
  people$female <- as.integer(people$sex == "female")
  people$level <- factor(people$class)
  design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight_interview, data = people, nest = TRUE)
  domain <- subset(design, age_years >= 20 & class >= 0)
  domain$variables$level <- droplevels(domain$variables$level)
  c(list(n = nrow(domain)), weighted(level ~ decade + female, domain))
}

output <- file.path(here, "ordinal.json")
people <- commandArgs(trailingOnly = TRUE)
version <- function(name) as.character(packageVersion(name))
write_json(
  list(
    r = as.character(getRversion()), MASS = version("MASS"), ordinal = version("ordinal"), survey = version("survey"),
    polr = list(none = proportional(rep(1, nrow(data))), times = proportional(data$times)),
    clm = list(none = partial(rep(1, nrow(data))), times = partial(data$times)),
    brant = list(none = brant(data, rep(1, nrow(data))), times = brant(data, data$times)),
    brant_cluster = list(none = brant(data, rep(1, nrow(data)), robust), times = brant(data, data$times, robust)),
    svyolr = list(
      two_or_more = design_weighted("psu"), lonely = design_weighted("psu_lonely"),
      # A domain that leaves half of the strata with one PSU.
      scattered = design_weighted("psu", data$domain == 1 & !(data$stratum %in% c(1, 4, 6) & data$psu == 2))
    ),
    nhanes = if (length(people)) nhanes(people) else fromJSON(output)$nhanes
  ),
  output, digits = NA, auto_unbox = TRUE, pretty = TRUE, null = "null"
)
