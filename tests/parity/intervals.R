# Counts of which only an interval is known, in R, which has no model of them.
# Their likelihood is written out with pnbinom or integrate(), maximised by BFGS and
# polished by Newton steps on Richardson derivatives (numDeriv); survey does the variance, from the influence of each row.
suppressPackageStartupMessages({library(survey); library(numDeriv); library(jsonlite)})
options(survey.lonely.psu = "adjust", survey.adjust.domain.lonely = TRUE)
script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
here <- if (length(script)) dirname(script) else "."
data <- read.csv(file.path(here, "intervals-data.csv"))
data$high[is.na(data$high)] <- Inf
data$inside <- data$domain == 1 & data$weight > 0
# A domain that leaves half of the strata with one PSU.
data$scattered <- data$inside & !(data$stratum %in% c(1, 4, 6, 7) & data$psu == 2)

# The chance that low <= count <= high, the count's law negative binomial, or its nights with a cramp out of 30.
cramps <- function(mu, alpha, low, high) {
  ifelse(is.infinite(high),
    pnbinom(low - 1, size = 1 / alpha, mu = mu, lower.tail = FALSE),
    pnbinom(high, size = 1 / alpha, mu = mu) - ifelse(low > 0, pnbinom(low - 1, size = 1 / alpha, mu = mu), 0))
}
# Gauss-Legendre over the quantiles' log: the gamma of the persons, cut where 1e-13 of them are left.
legendre <- function(n) {
  i <- seq_len(n - 1)
  off <- i / sqrt(4 * i^2 - 1)
  m <- matrix(0, n, n)
  m[cbind(i, i + 1)] <- m[cbind(i + 1, i)] <- off
  e <- eigen(m, symmetric = TRUE)
  list(x = e$values, w = 2 * e$vectors[1, ]^2)
}
rule <- legendre(160)
nights <- function(mu, alpha, low, high) {
  shape <- 1 / alpha
  ends <- log(c(1e-15, qgamma(1e-15, shape, shape, lower.tail = FALSE)))
  t <- mean(ends) + diff(ends) / 2 * rule$x
  w <- diff(ends) / 2 * rule$w * exp(dgamma(exp(t), shape, shape, log = TRUE) + t)
  upto <- function(k, p) pbinom(k, 30, p)
  p <- 1 - exp(-outer(mu, exp(t)) / 30)
  rest <- as.vector((upto(low - 1, p) + pbinom(high, 30, p, lower.tail = FALSE)) %*% w)
  inside <- as.vector((upto(pmin(high, 30), p) - upto(low - 1, p)) %*% w)
  ifelse(low == 0, 1 - rest, inside)
}

rows <- function(at, law, mixed, own) {
  alpha <- exp(at[4])
  share <- if (mixed) plogis(at[5]) else 0
  mu <- own$nights * exp(as.vector(cbind(1, (own$age - 60) / 10, own$female) %*% at[1:3]))
  nightly <- own$low <= own$nights & own$nights <= own$high
  log((1 - share) * law(mu, alpha, own$low, own$high) + share * nightly)
}

fit <- function(law, mixed, weighted, inside) {
  own <- data[inside, ]
  w <- if (weighted) own$weight / mean(own$weight) else rep(1, nrow(own))
  total <- function(at) sum(w * rows(at, law, mixed, own))
  at <- c(-2.9, 0, 0, 0.5, if (mixed) -3.5)
  at <- optim(at, function(b) -total(b), method = "BFGS", control = list(reltol = 1e-14, maxit = 500))$par
  for (i in 1:4) at <- at - solve(hessian(total, at), grad(total, at))
  information <- -hessian(total, at)
  influence <- (jacobian(rows, at, law = law, mixed = mixed, own = own) * w) %*% solve(information)
  # svytotal multiplies by the weights, which are in the influence already.
  design <- if (weighted) {
    svydesign(ids = ~psu, strata = ~stratum, weights = rep(1, nrow(data)), data = data, nest = TRUE)[inside, ]
  } else {
    svydesign(ids = ~1, weights = rep(1, nrow(own)), data = own)
  }
  spread <- vcov(svytotal(influence, design))
  list(at = at, se = unname(sqrt(diag(spread))), value = total(at), gradient = max(abs(grad(total, at))))
}

cases <- data.frame(
  law = c("cramps", "cramps", "cramps", "cramps", "nights", "cramps"),
  mixed = c(FALSE, TRUE, FALSE, TRUE, FALSE, FALSE),
  weighted = c(FALSE, FALSE, TRUE, TRUE, TRUE, TRUE),
  domain = c(rep("inside", 5), "scattered")
)
found <- lapply(seq_len(nrow(cases)), function(i) {
  case <- cases[i, ]
  law <- list(cramps = cramps, nights = nights)[[case$law]]
  c(as.list(case), fit(law, case$mixed, case$weighted, data[[case$domain]]))
})
write_json(
  list(r = as.character(getRversion()), survey = as.character(packageVersion("survey")), fits = found),
  file.path(here, "intervals.json"), digits = NA, auto_unbox = TRUE, pretty = TRUE
)
