# Profile limits of a dispersion and of participants' spread, and AR(1) of every other night, in R.
# Run from this folder: Rscript profile.R   (reads zeros-data.csv, mixed-slopes.csv, gee-data.csv, writes profile.json)
suppressPackageStartupMessages({library(MASS); library(geepack); library(jsonlite)})

need <- qnorm(0.975)^2 / 2
# Where the profile has fallen by `need`: both sides of the top of a log parameter, NA where it never does.
limits <- function(fall, top, reach = 12) {
  side <- function(s) {
    if (fall(top + s * reach) < need) return(NA)
    exp(uniroot(function(d) fall(top + s * d) - need, c(1e-4, reach), tol = 1e-11)$root * s + top)
  }
  c(side(-1), side(1))
}

# Negative binomial: the log-likelihood of glm with theta held.
counts <- function(data) {
  control <- glm.control(epsilon = 1e-12, maxit = 500)
  fit <- glm.nb(cramps ~ x, data = data, control = control)
  held <- function(log_alpha) as.numeric(logLik(
    glm(cramps ~ x, data = data, family = negative.binomial(exp(-log_alpha)), control = control)
  ))
  top <- -log(fit$theta)
  list(n = nrow(data), dispersion = 1 / fit$theta, limits = limits(function(at) held(top) - held(at), top))
}
data <- read.csv("zeros-data.csv")

# Random intercept: the likelihood written out, integrated over a fine grid of effects; its spread held, all else free.
slopes <- read.csv("mixed-slopes.csv")
spread <- function(data) {
  u <- seq(-10, 10, length.out = 1001)
  weight <- dnorm(u) * (u[2] - u[1])
  events <- rowsum(data$y, data$person)
  value <- function(b, sd) {
    eta <- b[1] + b[2] * data$x
    terms <- rowsum(data$y * eta, data$person)[, 1] + outer(events[, 1], sd * u) -
      outer(rowsum(exp(eta), data$person)[, 1], exp(sd * u))
    highest <- apply(terms, 1, max)
    sum(highest + log(exp(terms - highest) %*% weight))
  }
  start <- coef(glm(y ~ x, data = data, family = poisson))
  held <- function(log_sd) -nlminb(start, function(b) -value(b, exp(log_sd)),
                                   control = list(rel.tol = 1e-14, x.tol = 1e-12))$objective
  top <- optimize(held, c(-3, 1), maximum = TRUE, tol = 1e-9)$maximum
  list(sd = exp(top), limits = limits(function(at) held(top) - held(at), top, 2.5))
}

odd <- subset(read.csv("gee-data.csv"), set == "serial" & night %% 2 == 1)
marginal <- geeglm(cramps ~ age + alcohol, family = poisson, data = odd, id = participant, waves = night,
                   corstr = "ar1", control = geese.control(epsilon = 1e-12, maxit = 200))
results <- list(
  counts = counts(data), few = counts(subset(data, person %% 12 == 0)), spread = spread(subset(slopes, person < 20)),
  every_other = list(coefficients = unname(coef(marginal)), se = unname(sqrt(diag(marginal$geese$vbeta))),
                     alpha = unname(marginal$geese$alpha)),
  versions = list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")),
                  geepack = as.character(packageVersion("geepack")))
)
write_json(results, "profile.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
