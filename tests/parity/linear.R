# Linear models of a night's hours in R: lm with sandwich, clubSandwich, lme4::lmer, geepack, survey::svyglm.
# Run from this folder: Rscript linear.R   (reads diary/, gee-data.csv and survey-data.csv, writes linear.json)
suppressPackageStartupMessages({
  library(sandwich); library(clubSandwich); library(lme4); library(geepack); library(survey); library(numDeriv)
  library(jsonlite)
})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights <- nights[complete.cases(nights[c("alcohol_units", "hours_in_bed")]), ]
nights$night <- as.integer(as.Date(nights$date) - as.Date("2020-01-01"))
nights$age <- (nights$age_years - 60) / 10
nights$female <- as.numeric(nights$sex == "female")
nights$participant <- as.integer(factor(nights$participant_id))
nights$times <- 1 + as.integer(format(as.Date(nights$date), "%d")) %% 3
# The hours of nights hardly differ between people: those of the model do.
nights$y <- nights$hours_in_bed + 0.3 * nights$cramps + sin(nights$participant)
nights <- nights[order(nights$participant, nights$night), ]
few <- subset(read.csv("gee-data.csv"), set == "few")
few$y <- few$hours + 0.4 * few$cramps
few <- few[order(few$participant, few$night), ]

robust <- function(fit, clusters) list(
  cluster = sqrt(diag(vcovCL(fit, cluster = clusters, type = "HC0", cadjust = TRUE))),
  `cluster-hc0` = sqrt(diag(vcovCL(fit, cluster = clusters, type = "HC0", cadjust = FALSE))),
  model = sqrt(diag(vcov(fit)))
)
ols <- function(formula, data) {
  fit <- lm(formula, data)
  list(coefficients = unname(coef(fit)), se = lapply(robust(fit, data$participant), unname), sigma = sigma(fit),
       log_likelihood = as.numeric(logLik(fit)), df = fit$df.residual)
}
cr2 <- function(formula, data) {
  fit <- lm(formula, data)
  covariance <- vcovCR(fit, cluster = data$participant, type = "CR2")
  test <- coef_test(fit, vcov = covariance, test = "Satterthwaite")
  list(coefficients = unname(coef(fit)), se = unname(sqrt(diag(covariance))), df = test$df_Satt)
}
plain <- y ~ age + female + alcohol_units
beside <- y ~ age + female + alcohol_units + offset(log(hours_in_bed))

# REML by numDeriv: the information of log standard deviations, which lme4 does not show.
spread <- function(fit, data) {
  x <- model.matrix(fit); z <- as.matrix(t(getME(fit, "Zt"))); y <- getME(fit, "y") - data$o
  parts <- split(seq_along(y), data$participant)
  slope <- fit@cnms[[1]]
  minus <- function(at) {
    d <- length(slope)
    l <- if (d == 1) matrix(exp(at[1])) else {
      r <- tanh(at[4]); s <- exp(at[1:2]); chol_of <- diag(s) %*% matrix(c(1, r, 0, sqrt(1 - r^2)), 2); chol_of
    }
    s2 <- exp(2 * at[d + 1])
    total <- 0; a <- 0; b <- 0; k <- 0
    for (i in parts) {
      zi <- if (d == 1) matrix(1, length(i), 1) else cbind(1, x[i, slope[2]])
      v <- chol(tcrossprod(zi %*% l) + diag(s2, length(i)))
      xi <- backsolve(v, x[i, , drop = FALSE], transpose = TRUE); yi <- backsolve(v, y[i], transpose = TRUE)
      total <- total + sum(log(diag(v))); a <- a + crossprod(xi); b <- b + crossprod(xi, yi); k <- k + sum(yi^2)
    }
    total + 0.5 * as.numeric(determinant(a)$modulus) + 0.5 * as.numeric(k - crossprod(b, solve(a, b)))
  }
  v <- as.data.frame(VarCorr(fit))$sdcor
  at <- if (length(slope) == 1) log(v) else c(log(v[1:2]), log(v[4]), atanh(v[3]))
  list(parameters = v, errors = sqrt(diag(solve(hessian(minus, at)))))
}
reml <- function(formula, data, o = 0, without = formula) {
  data$o <- o
  control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11))
  fit <- lmer(formula, data, control = control)
  # clubSandwich takes the offset of a mixed model for a part of the residual: it is taken off the number instead.
  apart <- lmer(update(without, I(y - o) ~ .), data, control = control)
  ids <- data$participant
  list(coefficients = unname(fixef(fit)), log_likelihood = as.numeric(logLik(fit)),
       se = list(model = unname(sqrt(diag(as.matrix(vcov(fit))))),
                 `cluster-hc0` = unname(sqrt(diag(vcovCR(apart, cluster = ids, type = "CR0"))))),
       spread = spread(fit, data))
}
marginal <- function(data, structure, o) {
  data$o <- o
  fit <- eval(substitute(
    geeglm(y ~ age + alcohol + offset(o), family = gaussian, data = data, id = participant, waves = night,
           corstr = STRUCTURE, control = geese.control(epsilon = 1e-11, maxit = 200)), list(STRUCTURE = structure)))
  list(coefficients = unname(coef(fit)), se = sqrt(diag(fit$geese$vbeta)), model_se = sqrt(diag(fit$geese$vbeta.naiv)),
       alpha = unname(fit$geese$alpha), scale = unname(fit$geese$gamma),
       alpha_se = sqrt(as.numeric(fit$geese$valpha)), scale_se = sqrt(as.numeric(fit$geese$vgamma)))
}
nights$alcohol <- nights$alcohol_units
calendar <- function(data) { data$night <- data$night - min(data$night) + 1; data }

options(survey.lonely.psu = "adjust", survey.adjust.domain.lonely = TRUE)
sample <- read.csv("survey-data.csv")
weighted <- function(psu, formula) {
  design <- svydesign(ids = as.formula(paste0("~", psu)), strata = ~stratum, weights = ~weight, data = sample, nest = TRUE)
  fit <- svyglm(formula, subset(design, domain == 1))
  list(coefficients = unname(coef(fit)), vcov = unname(vcov(fit)))
}
of_survey <- function(psu) list(
  none = weighted(psu, score ~ I((age - 50) / 10) + sex + mild),
  `log age` = weighted(psu, score ~ I((age - 50) / 10) + sex + mild + offset(log(age / 50)))
)

results <- list(
  ols = list(none = ols(plain, nights), hours = ols(beside, nights)),
  weighted = list(none = ols(plain, nights[rep(seq_len(nrow(nights)), nights$times), ]),
                  hours = ols(beside, nights[rep(seq_len(nrow(nights)), nights$times), ])),
  small = list(diary = cr2(plain, nights), hours = cr2(beside, nights), few = cr2(y ~ age + alcohol, few),
               alone = cr2(y ~ age + alcohol + only, few)),
  reml = list(
    none = reml(y ~ age + female + alcohol_units + (1 | participant), nights),
    hours = reml(y ~ age + female + alcohol_units + offset(log(hours_in_bed)) + (1 | participant), nights,
                 log(nights$hours_in_bed), y ~ age + female + alcohol_units + (1 | participant)),
    few = reml(y ~ age + alcohol + (1 | participant), few),
    slope = reml(y ~ age + x + (1 + x | participant),
                 transform(read.csv("mixed-slopes.csv"), participant = person, y = y + x * cos(person)))
  ),
  gee = list(
    exchangeable = list(diary = marginal(calendar(nights), "exchangeable", 0), few = marginal(few, "exchangeable", 0),
                        hours = marginal(calendar(nights), "exchangeable", log(nights$hours_in_bed))),
    ar1 = list(diary = marginal(calendar(nights), "ar1", 0), few = marginal(few, "ar1", 0),
               hours = marginal(calendar(nights), "ar1", log(nights$hours_in_bed)))
  ),
  survey = list(psu = of_survey("psu"), psu_lonely = of_survey("psu_lonely")),
  versions = sapply(c("sandwich", "clubSandwich", "lme4", "geepack", "survey", "numDeriv"),
                    function(name) as.character(packageVersion(name)), simplify = FALSE)
)
write_json(results, "linear.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
