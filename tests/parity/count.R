# Count models of the synthetic diary in R: glm, MASS::glm.nb and sandwich::vcovCL.
# Run from this folder: Rscript count.R   (writes count.json)
suppressPackageStartupMessages({library(MASS); library(sandwich); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$age_decade <- (nights$age_years - 60) / 10
nights$sex <- relevel(factor(nights$sex), ref = "male")
nights$diabetes <- factor(nights$diabetes, levels = c("false", "true"))
tight <- glm.control(epsilon = 1e-14, maxit = 200)

settings <- list(
  nights = cramps ~ age_decade + sex + diabetes + alcohol_units,
  hours_in_bed = cramps ~ age_decade + sex + diabetes + alcohol_units + offset(log(hours_in_bed)),
  potassium = cramps ~ age_decade * sex + serum_potassium_mmol_l
)
describe <- function(fit, data) {
  cluster <- function(adjust) vcovCL(fit, cluster = data$participant_id, type = "HC0", cadjust = adjust)
  list(
    coefficients = as.list(coef(fit)),
    se = list(
      cluster = as.list(sqrt(diag(cluster(TRUE)))),
      `cluster-hc0` = as.list(sqrt(diag(cluster(FALSE)))),
      model = as.list(sqrt(diag(vcov(fit))))
    ),
    log_likelihood = as.numeric(logLik(fit)),
    rows = nobs(fit)
  )
}
results <- lapply(settings, function(formula) {
  data <- nights[complete.cases(nights[all.vars(formula)]), ]
  negative <- glm.nb(formula, data = data, control = tight)
  list(
    poisson = describe(glm(formula, family = poisson, data = data, control = tight), data),
    `negative-binomial` = c(describe(negative, data), dispersion = 1 / negative$theta)
  )
})
results$versions <- list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")),
                         sandwich = as.character(packageVersion("sandwich")))
write_json(results, "count.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
