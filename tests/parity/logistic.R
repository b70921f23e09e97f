# Logistic regression of nights with a cramp in R: glm and sandwich::vcovCL.
# Run from this folder: Rscript logistic.R   (reads diary/, writes logistic.json)
suppressPackageStartupMessages({library(sandwich); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$night_cramp <- as.integer(nights$cramps > 0)
nights$age <- (nights$age_years - 60) / 10
nights$female <- as.integer(nights$sex == "female")
tight <- glm.control(epsilon = 1e-15, maxit = 200)

settings <- list(alcohol = c("age", "female", "alcohol_units"), potassium = c("age", "female", "serum_potassium_mmol_l"))
results <- lapply(settings, function(terms) {
  data <- nights[complete.cases(nights[terms]), ]
  formula <- reformulate(terms, "night_cramp")
  # The second fit starts at the maximum: glm's information belongs to the step before the last one.
  first <- glm(formula, family = binomial, data = data, control = tight)
  fit <- glm(formula, family = binomial, data = data, control = tight, start = unname(coef(first)))
  cluster <- function(adjust) vcovCL(fit, cluster = data$participant_id, type = "HC0", cadjust = adjust)
  list(
    terms = terms, coefficients = unname(coef(fit)), rows = nobs(fit), log_likelihood = as.numeric(logLik(fit)),
    covariance = list(cluster = unname(cluster(TRUE)), `cluster-hc0` = unname(cluster(FALSE)), model = unname(vcov(fit)))
  )
})
results$versions <- list(R = as.character(getRversion()), sandwich = as.character(packageVersion("sandwich")))
write_json(results, "logistic.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
