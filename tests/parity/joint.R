# Negative-binomial regression with the sandwich of coefficients and dispersion together, the likelihood written out,
# and beside it those that hold the dispersion, with and without a few huge counts.
# Run from this folder: Rscript joint.R   (writes joint.json)
suppressPackageStartupMessages({library(MASS); library(sandwich); library(clubSandwich); library(numDeriv); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$age <- (nights$age_years - 60) / 10
nights$female <- as.numeric(nights$sex == "female")
nights <- nights[complete.cases(nights[c("age", "female", "alcohol_units")]), ]
# A few participants with a huge count once a month.
who <- as.integer(factor(nights$participant_id))
day <- as.integer(substr(nights$date, 9, 10))
huge <- transform(nights, cramps = ifelse(who %% 8 == 0 & day == 7, 200, cramps))
# Four nights of 600 with such a count: here the dispersion may not be held.
four <- nights[order(nights$participant_id, nights$date, method = "radix"), ][1:600, ]
four$cramps[seq(76, 600, by = 150)] <- 200

joint <- function(data) {
  fit <- glm.nb(cramps ~ age + female + alcohol_units, data = data, control = glm.control(epsilon = 1e-14, maxit = 500))
  X <- model.matrix(fit)
  each <- function(at) {
    p <- length(at) - 1
    dnbinom(data$cramps, size = exp(at[p + 1]), mu = exp(drop(X %*% at[1:p])), log = TRUE)
  }
  at <- c(coef(fit), log(fit$theta))
  score <- function(at) colSums(jacobian(each, at))
  for (step in 1:5) {
    information <- -hessian(function(x) sum(each(x)), at)
    at <- at + solve(information, score(at))
  }
  information <- -hessian(function(x) sum(each(x)), at)
  sums <- rowsum(jacobian(each, at), data$participant_id)
  bread <- solve(information)
  g <- nrow(sums)
  variance <- bread %*% crossprod(sums) %*% bread * g / (g - 1)
  # glm's information belongs to the step before the last one: the second fit starts at the maximum.
  theta <- exp(at[[5]])
  held <- glm(formula(fit), family = negative.binomial(theta), data = data, start = unname(at[1:4]),
              control = glm.control(epsilon = 1e-15, maxit = 200))
  cr2 <- vcovCR(held, cluster = data$participant_id, type = "CR2")
  errors <- function(v) unname(sqrt(diag(as.matrix(v))))
  list(coefficients = unname(at[1:4]), dispersion = 1 / theta, df = coef_test(held, vcov = cr2)$df_Satt, se = list(
    `cluster-joint` = errors(variance)[1:4],
    cluster = errors(vcovCL(held, cluster = data$participant_id, type = "HC0", cadjust = TRUE)),
    `cluster-small` = errors(cr2)
  ))
}
results <- list(plain = joint(nights), huge = joint(huge), four = joint(four))
results$versions <- list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")),
                         sandwich = as.character(packageVersion("sandwich")),
                         clubSandwich = as.character(packageVersion("clubSandwich")),
                         numDeriv = as.character(packageVersion("numDeriv")))
write_json(results, "joint.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
