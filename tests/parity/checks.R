# What the checks of a fit compute, in R: car::vif, hat values, dnbinom, fits without one participant.
# Run from this folder: Rscript checks.R   (reads diary/, writes checks.json)
suppressPackageStartupMessages({library(MASS); library(car); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$age_band <- cut(nights$age_years, c(20, 40, 50, 60, 70, 80, Inf), right = FALSE)
nights$sex <- relevel(factor(nights$sex), ref = "male")
formula <- cramps ~ age_band + sex + serum_potassium_mmol_l + alcohol_units
data <- droplevels(nights[complete.cases(nights[all.vars(formula)]), ])
tight <- glm.control(epsilon = 1e-14, maxit = 200)
fit <- glm(formula, family = poisson, data = data, control = tight)
negative <- glm.nb(formula, data = data, control = tight)
mu <- fitted(fit)
y <- data$cramps
pearson <- function(m) sum(residuals(m, "pearson")^2)
score <- sum((y - mu)^2 - y + hatvalues(fit) * mu) / sqrt(2 * sum(mu^2))  # Dean and Lawless 1989, T_a
vif <- car::vif(fit)
# Whoever has most cramps, left out.
who <- names(which.max(tapply(data$cramps, data$participant_id, sum)))
without <- coef(glm(formula, family = poisson, data = data[data$participant_id != who, ], control = tight)) - coef(fit)
write_json(list(
  poisson = list(pearson = pearson(fit), df = fit$df.residual, score = score,
                 expected = sapply(0:3, function(k) sum(dpois(k, mu)))),
  negative = list(pearson = pearson(negative), df = fit$df.residual,
                  expected = sapply(0:3, function(k) sum(dnbinom(k, mu = fitted(negative), size = negative$theta))),
                  below = sum(pnbinom(y - 1, mu = fitted(negative), size = negative$theta))),
  gvif = as.list(vif[, "GVIF"]), df = as.list(vif[, "Df"]),
  who = who, without = unname(without), rows = nobs(fit),
  versions = list(R = as.character(getRversion()), car = as.character(packageVersion("car")),
                  MASS = as.character(packageVersion("MASS")))
), "checks.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
