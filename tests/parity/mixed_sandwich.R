# Cluster-robust covariances of random-intercept models, written out in R: lme4 and glmmTMB have none for these models.
# Run from this folder: Rscript mixed_sandwich.R   (reads mixed.json for its starting values, writes mixed_sandwich.json)
# Each participant's log-likelihood is a sum over 61 Gauss-Hermite nodes around the participant's mode; scores and the
# information are differences of it (numDeriv), at the maximum found from them by Newton's method.
suppressPackageStartupMessages({library(numDeriv); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights <- nights[complete.cases(nights[c("age_years", "sex", "diabetes", "alcohol_units", "hours_in_bed")]), ]
x <- cbind(1, (nights$age_years - 60) / 10, nights$sex == "female",
           format(as.Date(nights$date), "%u") >= "6", nights$alcohol_units)
group <- as.integer(factor(nights$participant_id))

# Golub and Welsch 1969.
k <- 61
jacobi <- matrix(0, k, k)
jacobi[cbind(1:(k - 1), 2:k)] <- jacobi[cbind(2:k, 1:(k - 1))] <- sqrt((1:(k - 1)) / 2)
decomposed <- eigen(jacobi, symmetric = TRUE)
node <- decomposed$values
log_weight <- log(sqrt(pi) * decomposed$vectors[1, ]^2) + node^2

density <- list(
  poisson = function(y, eta, extra) dpois(y, exp(eta), log = TRUE),
  logistic = function(y, eta, extra) dbinom(y, 1, plogis(eta), log = TRUE),
  `negative-binomial` = function(y, eta, extra) dnbinom(y, size = exp(-extra), mu = exp(eta), log = TRUE)
)

one <- function(family, start, offset) {
  y <- if (family == "logistic") as.numeric(nights$cramps > 0) else nights$cramps
  log_density <- density[[family]]
  p <- ncol(x)
  joint <- function(at, effects) {  # by participant, at one effect each
    eta <- drop(x %*% at[1:p]) + offset + effects[group]
    extra <- if (length(at) > p + 1) at[p + 2] else 0
    drop(rowsum(log_density(y, eta, extra), group)) + dnorm(effects, 0, exp(at[p + 1]), log = TRUE)
  }
  by_participant <- function(at, mode, scale) {
    terms <- sapply(seq_len(k), function(i) joint(at, mode + sqrt(2) * scale * node[i]) + log_weight[i])
    top <- apply(terms, 1, max)
    top + log(rowSums(exp(terms - top))) + log(sqrt(2) * scale)
  }
  mode <- rep(0, max(group)); scale <- rep(1, max(group))
  for (i in 1:100) {
    h <- 1e-4
    up <- joint(start, mode + h); down <- joint(start, mode - h); here <- joint(start, mode)
    curvature <- pmax(-(up - 2 * here + down) / h^2, 1e-3)
    mode <- mode + pmax(pmin((up - down) / (2 * h) / curvature, 1), -1)
    scale <- 1 / sqrt(curvature)
  }
  total <- function(at) sum(by_participant(at, mode, scale))
  at <- start
  for (i in 1:4) at <- at - solve(hessian(total, at), grad(total, at))
  scores <- jacobian(by_participant, at, mode = mode, scale = scale)
  bread <- solve(-hessian(total, at))
  robust <- bread %*% crossprod(scores) %*% bread
  g <- max(group)
  error <- function(v) sqrt(diag(v))[1:p]
  list(coefficients = at[1:p], sd = exp(at[p + 1]), log_likelihood = total(at),
       se = list(model = error(bread), `cluster-hc0` = error(robust), cluster = error(robust * g / (g - 1))))
}

r <- fromJSON("mixed.json")
start <- function(fit) c(fit$coefficients, log(fit$sd))
hours <- log(nights$hours_in_bed)
results <- list(
  poisson = one("poisson", start(r$lme4$poisson), 0),
  poisson_hours = one("poisson", start(r$lme4$poisson_hours), hours),
  logistic = one("logistic", start(r$lme4$logistic), 0),
  logistic_hours = one("logistic", start(r$lme4$logistic_hours), hours),
  negative_binomial = one("negative-binomial", with(r$glmmTMB$negative_binomial, c(coefficients, log(sd), log(dispersion))), 0),
  negative_binomial_hours = one("negative-binomial", with(r$glmmTMB$negative_binomial_hours, c(coefficients, log(sd), log(dispersion))), hours),
  versions = list(R = as.character(getRversion()), numDeriv = as.character(packageVersion("numDeriv")))
)
write_json(results, "mixed_sandwich.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
