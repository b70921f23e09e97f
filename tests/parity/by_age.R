# A condition whose ratio differs with age, in R: glm.nb + vcovCL for nights, svyglm for a survey, and from the joint
# covariance the log ratio at 50 and at 75 years and their difference.
# Run from this folder: Rscript by_age.R   (reads diary/ and survey-data.csv, writes by_age.json)
# Neither file has a condition that many have: low potassium and a high score stand for one; tests/test_conditions.py
# does the same.
suppressPackageStartupMessages({library(MASS); library(sandwich); library(splines); library(survey); library(jsonlite)})
options(survey.lonely.psu = "adjust", survey.adjust.domain.lonely = TRUE)
exact <- glm.control(epsilon = 1e-14, maxit = 200)

curve <- function(age, people) {
  inner <- quantile(people, c(1, 2) / 3, names = FALSE)
  ns(age, knots = inner, Boundary.knots = range(people))
}

by_age <- function(b, v) {
  own <- match(c("has", "has_age"), names(b))
  at <- function(age) { d <- numeric(length(b)); d[own] <- c(1, (age - 60) / 10); d }
  vectors <- rbind(at(50), at(75), at(75) - at(50))
  list(log = as.numeric(vectors %*% b), se = sqrt(diag(vectors %*% v %*% t(vectors))))
}

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
people$has <- as.numeric(people$serum_potassium_mmol_l < 4.2)
people <- people[complete.cases(people[c("age_years", "sex", "has")]), ]
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$female <- as.numeric(nights$sex == "female")
nights$has_age <- nights$has * (nights$age_years - 60) / 10
nights$curve <- curve(nights$age_years, people$age_years[people$participant_id %in% nights$participant_id])
# The second fit starts where the first ended, so that the information is that of the maximum.
first <- glm.nb(cramps ~ has + has_age + curve + female, nights, control = exact)
model <- glm.nb(cramps ~ has + has_age + curve + female, nights, control = exact,
                start = unname(coef(first)), init.theta = first$theta)
nb <- by_age(coef(model), vcovCL(model, cluster = ~participant_id, type = "HC0", cadjust = TRUE))

data <- read.csv("survey-data.csv")
data$has <- as.numeric(data$score > 0)
data$has_age <- data$has * (data$age - 60) / 10
data$curve <- curve(data$age, data$age[data$domain == 1 & data$weight > 0])
design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = data, nest = TRUE)
domain <- design[data$domain == 1, ]
log_link <- mild ~ has + has_age + curve + sex
start <- coef(svyglm(log_link, domain, family = quasipoisson(), control = exact))
prevalence <- svyglm(log_link, domain, family = quasipoisson(), control = exact, start = unname(start))

packages <- c("MASS", "sandwich", "survey")
write_json(list(versions = c(list(R = as.character(getRversion())),
                             sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)),
                `negative-binomial` = nb,
                `survey-poisson` = c(by_age(coef(prevalence), vcov(prevalence)), df = prevalence$df.residual)),
           "by_age.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
