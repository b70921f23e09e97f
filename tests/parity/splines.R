# Splines, offset and case weights of the synthetic diary in R: splines::ns, glm, MASS::glm.nb and sandwich::vcovCL.
# Run from this folder: Rscript splines.R   (writes splines.json)
suppressPackageStartupMessages({library(MASS); library(sandwich); library(splines); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$sex <- relevel(factor(nights$sex), ref = "male")
nights <- nights[complete.cases(nights[c("age_years", "sex", "hours_in_bed")]), ]
nights$cramp_night <- as.numeric(nights$cramps > 0)
tight <- glm.control(epsilon = 1e-14, maxit = 200)

# Knots at quantiles of the participants, each counted once.
ages <- tapply(nights$age_years, nights$participant_id, function(x) x[1])
inner <- unname(quantile(ages, c(1, 2) / 3))
curve <- function(x, knots = inner) ns(x, knots = knots, Boundary.knots = range(ages))
shown <- c(40, 50, 70)

describe <- function(fit) {
  variance <- vcovCL(fit, cluster = nights$participant_id, type = "HC0", cadjust = TRUE)
  smooth <- grep("^curve\\(age_years[^)]*\\)[0-9]$", names(coef(fit)))
  answer <- list(
    sex = unname(coef(fit)["sexfemale"]), sex_se = unname(sqrt(diag(variance))["sexfemale"]),
    sex_model_se = unname(sqrt(diag(vcov(fit)))["sexfemale"]), log_likelihood = as.numeric(logLik(fit))
  )
  if (length(smooth)) {
    knots <- if (length(smooth) == 3) inner else stated
    contrasts <- sweep(predict_basis(shown, knots), 2, predict_basis(60, knots))
    block <- variance[smooth, smooth]
    answer$ratios <- as.vector(contrasts %*% coef(fit)[smooth])
    answer$errors <- sqrt(diag(contrasts %*% block %*% t(contrasts)))
    answer$wald <- as.numeric(coef(fit)[smooth] %*% solve(block, coef(fit)[smooth]))
  }
  crossed <- grep(":", names(coef(fit)))
  if (length(crossed))
    answer$wald_interaction <- as.numeric(coef(fit)[crossed] %*% solve(variance[crossed, crossed], coef(fit)[crossed]))
  answer
}
predict_basis <- function(x, knots) unclass(curve(x, knots))
stated <- c(45, 55, 65)

offsets <- cramps ~ curve(age_years) + sex + offset(log(hours_in_bed))
results <- list(
  poisson = describe(glm(offsets, family = poisson, data = nights, control = tight)),
  `negative-binomial` = describe(glm.nb(offsets, data = nights, control = tight)),
  logistic = describe(glm(cramp_night ~ curve(age_years) + sex, family = binomial, data = nights, control = tight)),
  stated = describe(glm(cramps ~ curve(age_years, stated) + sex, family = poisson, data = nights, control = tight)),
  # Centred at the reference, the interaction is tested as it stands and the rest at the reference.
  interaction = describe(glm(cramps ~ curve(age_years) * sex, family = poisson, data = nights, control = tight)),
  weighted_poisson = describe(glm(cramps ~ sex + age_years, family = poisson, data = nights, weights = hours_in_bed,
                                  control = tight)),
  weighted_negative_binomial = describe(glm.nb(cramps ~ sex + age_years, data = nights, weights = hours_in_bed,
                                               control = tight)),
  weighted_logistic = describe(suppressWarnings(glm(cramp_night ~ sex + age_years, family = binomial, data = nights,
                                                    weights = hours_in_bed, control = tight)))
)
results$interaction$sex <- results$interaction$sex_se <- results$interaction$sex_model_se <- NULL
results$versions <- list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")),
                         sandwich = as.character(packageVersion("sandwich")))
write_json(results, "splines.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
