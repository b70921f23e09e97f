# Trials in R: parallel arms by glm.nb with the run-in rate, on nights and on person totals; a crossover by glmer with 9
# nodes and by a Poisson glm with an intercept for each participant; a crossover and an n-of-1 within pairs of periods, by
# a logistic glm of their cramps, each once: with the treatment or not.
# Run from this folder: Rscript trials.R   (reads trials-data.csv, writes trials.json)
suppressPackageStartupMessages({library(MASS); library(sandwich); library(clubSandwich); library(lme4); library(jsonlite)})

data <- read.csv("trials-data.csv", stringsAsFactors = FALSE)
trial <- data[data$trial == "parallel", ]
before <- trial[trial$after == "false", ]
run_in <- aggregate(cramps ~ participant_id, before, function(x) log((sum(x) + 0.5) / length(x)))
names(run_in)[2] <- "run_in"
nights <- merge(trial[trial$after == "true", ], run_in)
nights <- nights[order(nights$participant_id, nights$night), ]
totals <- aggregate(cbind(cramps, n) ~ participant_id + given + run_in, transform(nights, n = 1), sum)

# The sandwich and CR2 of a glm with the dispersion of glm.nb held.
told <- function(formula, rows) {
  first <- glm.nb(formula, data = rows, control = glm.control(epsilon = 1e-13, maxit = 200))
  fit <- glm(formula, data = rows, family = negative.binomial(first$theta), start = coef(first),
             control = glm.control(epsilon = 1e-13, maxit = 200))
  small <- vcovCR(fit, cluster = rows$participant_id, type = "CR2")
  test <- coef_test(fit, small, test = "Satterthwaite")
  list(theta = first$theta, coefficients = unname(coef(fit)), cr2 = matrix(small, nrow(small)),
       error = test["given", "SE"], df = test["given", "df_Satt"], participants = length(unique(rows$participant_id)))
}
by_night <- told(cramps ~ given + run_in, nights)
# Standardised: the mean over participants of 7 exp(x'b) with the treatment less without it, by the delta method.
people <- merge(unique(nights["participant_id"]), run_in)$run_in
b <- by_night$coefficients
rates <- lapply(1:0, function(a) cbind(1, a, people) * 7 * exp(b[1] + a * b[2] + people * b[3]))
gradient <- colMeans(rates[[1]]) - colMeans(rates[[2]])
by_night$difference <- mean(rates[[1]][, 1]) - mean(rates[[2]][, 1])
by_night$difference_error <- sqrt(drop(gradient %*% by_night$cr2 %*% gradient))

cross <- data[data$trial == "crossover", ]
cross$period <- factor(cross$period)
cross$id <- factor(cross$participant_id)
mixed <- glmer(cramps ~ given + period + (1 | id), data = cross, family = poisson, nAGQ = 9,
               control = glmerControl(optimizer = "bobyqa", tolPwrss = 1e-13, optCtrl = list(rhoend = 1e-10, maxfun = 1e5)))
ever <- cross[ave(cross$cramps, cross$id, FUN = sum) > 0, ]
tight <- glm.control(epsilon = 1e-15, maxit = 200)
fixed <- glm(cramps ~ given + period + id, data = ever, family = poisson, control = tight)
fixed <- glm(cramps ~ given + period + id, data = ever, family = poisson, control = tight, start = coef(fixed))
V <- vcovCL(fixed, cluster = ever$id, type = "HC0", cadjust = TRUE)
# Pairs of periods: the log ratio of their nights is an offset, and whether the treated one is the later a term.
paired <- function(rows, periods) {
  sums <- aggregate(cbind(cramps, n) ~ participant_id + pair + given + period, transform(rows, n = 1), sum)
  two <- merge(sums[sums$given == 1, ], sums[sums$given == 0, ], by = c("participant_id", "pair"), suffixes = c("", ".0"))
  cramps <- rbind(transform(two[rep(seq_len(nrow(two)), two$cramps), ], yes = 1),
                  transform(two[rep(seq_len(nrow(two)), two$cramps.0), ], yes = 0))
  cramps$longer <- log(cramps$n / cramps$n.0)
  cramps$later <- (cramps$period == 2) - (cramps$period.0 == 2)
  cramps <- cramps[order(cramps$participant_id, cramps$pair), ]
  fit <- glm(if (periods) yes ~ later + offset(longer) else yes ~ 1 + offset(longer), binomial, cramps,
             control = glm.control(epsilon = 1e-14, maxit = 100))
  small <- vcovCR(fit, cluster = cramps$participant_id, type = "CR2")
  test <- coef_test(fit, small, test = "Satterthwaite")
  list(coefficients = unname(coef(fit)), error = test$SE[1], df = test$df_Satt[1],
       participants = length(unique(cramps$participant_id)), cramps = nrow(cramps))
}
alternating <- data[data$trial == "n-of-1", ]
write(toJSON(list(
  by_night = by_night,
  totals = told(cramps ~ given + run_in + offset(log(n)), totals),
  crossover = list(coefficients = unname(fixef(mixed)), errors = unname(sqrt(diag(as.matrix(vcov(mixed))))),
                   spread = unname(attr(VarCorr(mixed)$id, "stddev"))),
  conditional = list(coefficients = unname(coef(fixed)[c("given", "period2")]),
                     errors = unname(sqrt(diag(V)[c("given", "period2")])), participants = length(unique(ever$id))),
  crossover_pairs = paired(transform(data[data$trial == "crossover", ], pair = 1), TRUE),
  alternating_pairs = paired(transform(alternating, pair = (period + 1) %/% 2), FALSE)
), digits = 12, auto_unbox = TRUE, pretty = TRUE), "trials.json")
