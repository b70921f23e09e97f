# CR2 covariances with Satterthwaite degrees of freedom in R: clubSandwich::vcovCR and coef_test.
# Run from this folder: Rscript small.R   (reads gee-data.csv, writes small.json)
suppressPackageStartupMessages({library(MASS); library(clubSandwich); library(jsonlite)})

data <- read.csv("gee-data.csv")
data$night_cramp <- as.integer(data$cramps > 0)
tight <- glm.control(epsilon = 1e-15, maxit = 200)
settings <- list(
  few = list(set = "few", terms = c("age", "alcohol")),
  `one participant's nights` = list(set = "few", terms = c("age", "alcohol", "only")),
  `one participant` = list(set = "few", terms = c("alcohol", "third")),
  serial = list(set = "serial", terms = c("age", "alcohol")),
  intercept = list(set = "intercept", terms = c("age", "alcohol"))
)
describe <- function(formula, family, data) {
  # The second fit starts at the maximum: glm's information belongs to the step before the last one.
  fit <- glm(formula, family = family, data = data, control = tight)
  fit <- glm(formula, family = family, data = data, control = tight, start = unname(coef(fit)))
  covariance <- vcovCR(fit, cluster = data$participant, type = "CR2")
  test <- coef_test(fit, vcov = covariance, test = "Satterthwaite")
  list(coefficients = unname(coef(fit)), covariance = unclass(matrix(covariance, nrow(covariance))),
       df = test$df_Satt, p = test$p_Satt)
}
results <- lapply(settings, function(setting) {
  data <- subset(data, set == setting$set)
  counts <- reformulate(c(setting$terms, "offset(log(hours))"), "cramps")
  theta <- glm.nb(counts, data = data, control = glm.control(epsilon = 1e-14, maxit = 200))$theta
  c(setting, list(
    dispersion = 1 / theta, poisson = describe(counts, poisson(), data),
    logistic = describe(reformulate(setting$terms, "night_cramp"), binomial(), data),
    `negative-binomial` = describe(counts, negative.binomial(theta), data)
  ))
})
results$versions <- list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")),
                         clubSandwich = as.character(packageVersion("clubSandwich")))
write_json(results, "small.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
