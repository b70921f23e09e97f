# Predictions, AIC and Pearson residuals in R: glm, glm.nb, lm, lme4, polr, pscl and survey.
# Run from this folder: Rscript predict.R   (writes predict.json)
# What R has no standard errors for is done by the delta method, its gradient differenced by numDeriv.
suppressPackageStartupMessages({
  library(MASS); library(sandwich); library(lme4); library(pscl); library(survey); library(numDeriv); library(jsonlite)
})
options(survey.lonely.psu = "adjust")

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights <- nights[order(nights$participant_id, nights$date), ]
nights$age_decade <- (nights$age_years - 60) / 10
nights$sex <- relevel(factor(nights$sex), ref = "male")
nights$cramp_night <- as.numeric(nights$cramps > 0)
whole <- nights[complete.cases(nights[c("age_years", "sex", "alcohol_units", "hours_in_bed")]), ]
at <- data.frame(age_decade = c(-2, 0, 3.5), sex = factor(c("female", "male", "female"), levels = levels(nights$sex)),
                 alcohol_units = c(0, 2, 1), hours_in_bed = c(6, 8, 7))
tight <- glm.control(epsilon = 1e-14, maxit = 200)
terms <- ~ age_decade + sex + alcohol_units

linear <- function(fit, covariance, offset = 0) {
  x <- model.matrix(terms, at)
  list(link = drop(x %*% coef(fit)) + offset, se = sqrt(diag(x %*% covariance %*% t(x))))
}
regression <- function(fit, offset = 0) {
  cluster <- vcovCL(fit, cluster = whole$participant_id, type = "HC0", cadjust = TRUE)
  list(cluster = linear(fit, cluster, offset), model = linear(fit, vcov(fit), offset), aic = AIC(fit),
       residuals = unname(head(residuals(fit, type = "pearson"), 20)))
}
results <- list(
  poisson = regression(glm(update(terms, cramps ~ .), poisson, whole, control = tight)),
  poisson_offset = regression(
    glm(update(terms, cramps ~ . + offset(log(hours_in_bed))), poisson, whole, control = tight), log(at$hours_in_bed)
  ),
  `negative-binomial` = regression(glm.nb(update(terms, cramps ~ .), whole, control = tight)),
  logistic = regression(glm(update(terms, cramp_night ~ .), binomial, whole, control = tight)),
  linear = regression(lm(update(terms, hours_in_bed ~ .), whole))
)

mixed <- function(fit) {
  x <- model.matrix(terms, at)
  v <- as.matrix(vcov(fit))
  list(link = drop(x %*% fixef(fit)), se = sqrt(diag(x %*% v %*% t(x))), aic = AIC(fit),
       residuals = unname(head(residuals(fit, type = "pearson"), 20)))
}
strict <- glmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
by_nodes <- function(n)
  glmer(update(terms, cramps ~ . + (1 | participant_id)), whole, poisson, nAGQ = n, control = strict)
results$`mixed-poisson` <- mixed(by_nodes(25))
# With several nodes lme4 leaves constants out of the likelihood.
results$`mixed-poisson`$aic <- AIC(by_nodes(1))
results$`mixed-linear` <- mixed(lmer(update(terms, hours_in_bed ~ . + (1 | participant_id)), whole,
                                     control = lmerControl(optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-12))))

# Ordered classes: what polr calls zeta less the slopes is the logit of a class at or below.
classes <- read.csv("ordinal-data.csv")
classes$level <- factor(classes$class)
fit <- polr(level ~ age + female + score, classes, Hess = TRUE, control = list(reltol = 1e-16, maxit = 1000))
for (i in 1:5) fit <- polr(level ~ age + female + score, classes, Hess = TRUE, start = unname(c(coef(fit), fit$zeta)),
                           control = list(reltol = 1e-16, maxit = 1000))
places <- data.frame(age = c(-1, 2), female = c(1, 0), score = c(0.5, 1.5))
logits <- function(par) {
  eta <- drop(as.matrix(places) %*% par[1:3])
  below <- cbind(0, plogis(outer(-eta, par[-(1:3)], "+")), 1)
  as.vector(t(qlogis(below[, -1] - below[, -ncol(below)])))
}
par <- unname(c(coef(fit), fit$zeta))
slope <- jacobian(logits, par)
results$ordinal <- list(link = logits(par), se = sqrt(diag(slope %*% vcov(fit) %*% t(slope))), aic = AIC(fit))

# A mean of counts with excess zeros.
zeros <- read.csv("zeros-data.csv")
fit <- zeroinfl(cramps ~ x | w, zeros, dist = "negbin", control = zeroinfl.control(reltol = 1e-15, maxit = 1e5))
spots <- data.frame(x = c(0, 1, 0.5), w = c(1, 0, 0.3))
mean <- function(par) log(plogis(-(par[3] + par[4] * spots$w))) + par[1] + par[2] * spots$x
slope <- jacobian(mean, unname(coef(fit)))
results$`zero-inflated-negative-binomial` <- list(
  link = mean(unname(coef(fit))), se = sqrt(diag(slope %*% vcov(fit) %*% t(slope))), aic = AIC(fit),
  residuals = unname(head(residuals(fit, type = "pearson"), 20))
)

# A survey.
data <- read.csv("survey-data.csv")
data <- data[data$weight > 0, ]
design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = data, nest = TRUE)
exact <- glm.control(epsilon = 1e-15, maxit = 100)
who <- data.frame(age = c(30, 70), sex = c(1, 0), score = c(0, 0.5))
survey <- function(formula, family) {
  fit <- do.call(svyglm, list(formula, design, family = family, control = exact))
  fit <- do.call(svyglm, list(formula, design, family = family, control = exact, start = unname(coef(fit))))
  told <- predict(fit, who, type = "link", se.fit = TRUE)
  mu <- fitted(fit)
  list(link = as.numeric(told), se = as.numeric(SE(told)), df = fit$df.residual,
       residuals = unname(head((fit$y - mu) / sqrt(family$variance(mu)), 20)))
}
results$`survey-logistic` <- survey(mild ~ age + sex + score, quasibinomial())
results$`survey-poisson` <- survey(mild ~ age + sex + score, quasipoisson())
results$`survey-linear` <- survey(score ~ age + sex, gaussian())
results$versions <- lapply(
  c(R = "base", MASS = "MASS", sandwich = "sandwich", lme4 = "lme4", pscl = "pscl", survey = "survey"),
  function(name) as.character(packageVersion(name))
)
write_json(results, "predict.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
