# Dose-response curves in R: splines::ns in glm, MASS::glm.nb and survey::svyglm, their ratios against a reference value
# and the Wald test of their non-linear part, with sandwich::vcovCL and with clubSandwich's CR2.
# Run from this folder: Rscript curves.R   (reads diary/ and survey-data.csv, writes curves.json)
suppressPackageStartupMessages({library(MASS); library(sandwich); library(clubSandwich); library(splines)
                                library(survey); library(jsonlite)})
options(survey.lonely.psu = "adjust", survey.adjust.domain.lonely = TRUE)
tight <- glm.control(epsilon = 1e-15, maxit = 200)

# What a curve says: ratios at `shown` to that at `at0`, their variance, and whether it is a straight line.
# In the span of ns() the straight line has the coefficients `line`; what is orthogonal to it is to be zero.
says <- function(b, v, basis, shown, at0, x) {
  contrasts <- sweep(basis(shown), 2, basis(at0))
  line <- coef(lm(x ~ basis(x)))[-1]
  bent <- t(Null(line))
  list(ratios = as.vector(contrasts %*% b), covariance = contrasts %*% v %*% t(contrasts),
       bent = as.numeric(t(bent %*% b) %*% solve(bent %*% v %*% t(bent), bent %*% b)), parts = nrow(bent))
}

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$female <- as.numeric(nights$sex == "female")
nights$x <- nights$serum_potassium_mmol_l
nights <- nights[complete.cases(nights[c("x", "age_years", "female")]), ]
# Knots at quantiles of the participants, each counted once.
once <- tapply(nights$x, nights$participant_id, function(x) x[1])
inner <- unname(quantile(once, c(1, 2) / 3))
curve <- function(x) unclass(ns(x, knots = inner, Boundary.knots = range(once)))
of_nights <- function(family) {
  terms <- cramps ~ curve(x) + female + I((age_years - 60) / 10)
  fit <- if (family == "poisson") glm(terms, poisson, nights, control = tight) else glm.nb(terms, nights, control = tight)
  # The second fit starts at the maximum: glm's information belongs to the step before the last one.
  held <- if (family == "poisson") poisson() else negative.binomial(fit$theta)
  held <- glm(terms, held, nights, control = tight, start = unname(coef(fit)))
  own <- 2:4
  wide <- unname(vcovCL(fit, cluster = nights$participant_id, type = "HC0", cadjust = TRUE))
  small <- vcovCR(held, cluster = nights$participant_id, type = "CR2")
  at <- c(3.5, 4.7)
  contrast <- matrix(0, length(at), length(coef(held)))
  contrast[, own] <- sweep(curve(at), 2, curve(4.2))
  tested <- linear_contrast(held, small, contrast, test = "Satterthwaite")
  list(cluster = says(coef(fit)[own], wide[own, own], curve, at, 4.2, once), rows = nrow(nights),
       small = list(errors = tested$SE, df = tested$df))
}

sample <- read.csv("survey-data.csv")
inside <- sample$domain == 1 & sample$weight > 0
bow <- function(x) unclass(ns(x, knots = c(-0.5, 0.5), Boundary.knots = range(sample$score[inside])))
of_survey <- function() {
  design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = sample, nest = TRUE)
  domain <- design[sample$domain == 1, ]
  terms <- mild ~ bow(score) + sex + I((age - 60) / 10)
  first <- coef(svyglm(terms, domain, family = quasibinomial(), control = tight))
  fit <- do.call(svyglm, list(terms, domain, family = quasibinomial(), control = tight, start = unname(first)))
  own <- 2:4
  c(says(coef(fit)[own], unname(vcov(fit))[own, own], bow, c(-1, 1.5), 0, sample$score[inside]), df = fit$df.residual)
}
write_json(list(
  poisson = of_nights("poisson"), `negative-binomial` = of_nights("negative-binomial"), `survey-logistic` = of_survey(),
  versions = c(list(R = as.character(getRversion())),
               sapply(c("MASS", "sandwich", "clubSandwich", "survey"), function(p) as.character(packageVersion(p)),
                      simplify = FALSE))
), "curves.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
