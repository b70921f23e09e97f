# Stabilised inverse-probability weights in R: glm, and the stacked estimating equations written out, their derivatives
# differenced by numDeriv. Run from this folder: Rscript ipw.R   (reads ipw-data.csv, writes ipw.json)
suppressPackageStartupMessages({library(numDeriv); library(jsonlite)})

data <- read.csv("ipw-data.csv")
data$rate <- log((data$run_in_cramps + 0.5) / data$run_in_nights)
n <- nrow(data)
A <- data$treated
X <- cbind(1, data$age, data$female, data$rate)
start <- glm(A ~ age + female + rate, family = binomial(), data = data, control = glm.control(epsilon = 1e-15))
alpha <- unname(coef(start))

weights_at <- function(p, alpha) {
  e <- plogis(c(X %*% alpha))
  ifelse(A == 1, p / e, (1 - p) / (1 - e))
}
stabilised <- weights_at(mean(A), alpha)
limits <- unname(quantile(stabilised, c(0.01, 0.99)))

# theta: P(A), the propensity, the log rates of the untreated and of the treated.
equations <- function(theta, truncate) {
  p <- theta[1]; alpha <- theta[2:5]; rates <- exp(theta[6:7])
  w <- weights_at(p, alpha)
  # Weights beyond the centiles stay at them, wherever theta goes.
  if (truncate) w <- ifelse(stabilised < limits[1], limits[1], ifelse(stabilised > limits[2], limits[2], w))
  cbind(A - p, X * (A - plogis(c(X %*% alpha))),
        w * (1 - A) * (data$cramps - rates[1] * data$nights), w * A * (data$cramps - rates[2] * data$nights))
}

contrasts_of <- function(truncate) {
  w <- if (truncate) pmin(pmax(stabilised, limits[1]), limits[2]) else stabilised
  rate <- function(group) sum(w[group] * data$cramps[group]) / sum(w[group] * data$nights[group])
  rates <- c(rate(A == 0), rate(A == 1))
  theta <- c(mean(A), alpha, log(rates))
  psi <- equations(theta, truncate)
  bread <- jacobian(function(t) colSums(equations(t, truncate)), theta)
  influence <- -psi %*% t(solve(bread))
  V <- crossprod(influence) * n / (n - 1)
  ratio <- c(0, 0, 0, 0, 0, -1, 1)
  weekly <- 7 * c(0, 0, 0, 0, 0, -rates[1], rates[2])
  list(rates = rates, log_ratio = log(rates[2] / rates[1]), log_ratio_error = sqrt(c(ratio %*% V %*% ratio)),
       difference = 7 * (rates[2] - rates[1]), difference_error = sqrt(c(weekly %*% V %*% weekly)))
}

# The jackknife: everything anew without each participant, the centiles of truncation held.
without <- function(i, truncate) {
  own <- data[-i, ]
  fit <- glm(treated ~ age + female + rate, family = binomial(), data = own, control = glm.control(epsilon = 1e-15))
  e <- fitted(fit); a <- own$treated; p <- mean(a)
  w <- ifelse(a == 1, p / e, (1 - p) / (1 - e))
  if (truncate) w <- pmin(pmax(w, limits[1]), limits[2])
  c(sum((w * own$cramps)[a == 0]) / sum((w * own$nights)[a == 0]),
    sum((w * own$cramps)[a == 1]) / sum((w * own$nights)[a == 1]))
}
jackknife_of <- function(truncate, found) {
  rates <- t(sapply(seq_len(n), without, truncate = truncate))
  error <- function(each, all) sqrt((n - 1) / n * sum((each - all)^2))
  list(log_ratio_error = error(log(rates[, 2] / rates[, 1]), found$log_ratio),
       difference_error = error(7 * (rates[, 2] - rates[, 1]), found$difference))
}

smd <- function(x, w, binary) {
  scale <- if (binary) sqrt((mean(x[A == 1]) * (1 - mean(x[A == 1])) + mean(x[A == 0]) * (1 - mean(x[A == 0]))) / 2)
           else sqrt((var(x[A == 1]) + var(x[A == 0])) / 2)
  (weighted.mean(x[A == 1], w[A == 1]) - weighted.mean(x[A == 0], w[A == 0])) / scale
}
both <- function(x, binary) c(smd(x, rep(1, n), binary), smd(x, stabilised, binary))
kish <- function(w) sum(w)^2 / sum(w^2)

weighted <- contrasts_of(FALSE); truncated <- contrasts_of(TRUE)
write_json(list(
  weights = stabilised, propensity = alpha, truncated_at = limits,
  effective = c(kish(stabilised[A == 0]), kish(stabilised[A == 1])),
  weighted = weighted, truncated = truncated,
  jackknife = list(weighted = jackknife_of(FALSE, weighted), truncated = jackknife_of(TRUE, truncated)),
  smd = list(age = both(data$age, FALSE), female = both(data$female, TRUE), rate = both(data$rate, FALSE)),
  versions = list(R = as.character(getRversion()), numDeriv = as.character(packageVersion("numDeriv")))
), "ipw.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
