# The g-formula of three habits together, written out in R: stats::glm, and stacked estimating equations by numDeriv.
# Run from this folder: Rscript programme.R   (reads diary/, writes programme.json)
# The equations of the model and of the two means are one system; its sandwich is summed over the nights of a person.
suppressPackageStartupMessages({ library(numDeriv); library(jsonlite) })

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$age <- (nights$age_years - 60) / 10
nights$rests <- as.integer(nights$hours_in_bed >= 8)
nights$abstains <- as.integer(nights$alcohol_units == 0)
nights$strong <- as.integer(nights$serum_potassium_mmol_l >= 4.2)
nights <- nights[complete.cases(nights[c("age", "rests", "abstains", "strong")]), ]
person <- as.integer(factor(nights$participant_id))

form <- cramps ~ rests * abstains * strong + age
fit <- glm(form, family = poisson, data = nights, control = glm.control(epsilon = 1e-15, maxit = 200))
design <- function(value) model.matrix(form, transform(nights, rests = value, abstains = value, strong = value))
x <- model.matrix(form, nights); x1 <- design(1); x0 <- design(0); p <- ncol(x)
equations <- function(theta) {
  beta <- theta[1:p]
  cbind(x * (nights$cramps - exp(drop(x %*% beta))), exp(drop(x1 %*% beta)) - theta[p + 1],
        exp(drop(x0 %*% beta)) - theta[p + 2])
}
means <- c(mean(exp(drop(x1 %*% coef(fit)))), mean(exp(drop(x0 %*% coef(fit)))))
theta <- unname(c(coef(fit), means))
slope <- jacobian(function(at) colSums(equations(at)), theta)
summed <- rowsum(equations(theta), person); g <- nrow(summed)
covariance <- solve(slope) %*% crossprod(summed) %*% t(solve(slope)) * g / (g - 1)
ends <- covariance[p + 1:2, p + 1:2]
ratio <- c(1 / means[1], -1 / means[2])
out <- list(rows = nrow(nights), people = g, all = means[1], none = means[2],
            covariance = ends / outer(means, means), log_ratio_error = sqrt(drop(ratio %*% ends %*% ratio)),
            versions = list(R = as.character(getRversion()), numDeriv = as.character(packageVersion("numDeriv"))))
writeLines(toJSON(out, auto_unbox = TRUE, digits = NA, pretty = TRUE), "programme.json")
