# Means, prevalences by band and regressions of a stratified cluster sample and its domains in R: survey.
suppressPackageStartupMessages({library(survey); library(jsonlite)})
options(survey.lonely.psu = "adjust", survey.adjust.domain.lonely = TRUE)
script <- sub("--file=", "", grep("--file=", commandArgs(), value = TRUE))
here <- if (length(script)) dirname(script) else "."
data <- read.csv(file.path(here, "survey-data.csv"))
data$band <- cut(data$age, c(20, 40, 60, Inf), right = FALSE, labels = c("20-39", "40-59", "60+"))
shares <- c(0.5, 0.3, 0.2)
exact <- glm.control(epsilon = 1e-15, maxit = 100)

results <- function(psu, members = data$domain == 1) {
  design <- svydesign(ids = as.formula(paste0("~", psu)), strata = ~stratum, weights = ~weight, data = data, nest = TRUE)
  domain <- design[members, ]
  mean <- svymean(~mild, domain)
  interval <- attr(svyciprop(~I(mild == 1), domain, method = "xlogit"), "ci")
  bands <- svyby(~mild, ~band, domain, svymean, covmat = TRUE)
  standard <- svycontrast(bands, setNames(shares, levels(data$band)))
  # The second fit starts at the maximum: glm's information belongs to the step before the last one.
  fit <- function(formula, family) {
    first <- coef(svyglm(formula, domain, family = family, control = exact))
    model <- do.call(svyglm, list(formula, domain, family = family, control = exact, start = unname(first)))
    list(
      names = names(coef(model)), coef = unname(coef(model)), vcov = unname(vcov(model)), df = model$df.residual,
      ci = unname(confint(model))
    )
  }
  list(
    df = degf(domain),
    mean = unname(coef(mean)), se = as.numeric(SE(mean)), ci = as.numeric(interval),
    ci90 = as.numeric(attr(svyciprop(~I(mild == 1), domain, method = "xlogit", level = 0.9), "ci")),
    full = list(mean = unname(coef(svymean(~count, design))), se = as.numeric(SE(svymean(~count, design)))),
    bands = list(mean = unname(coef(bands)), vcov = unname(vcov(bands))),
    standard = list(shares = shares, mean = as.numeric(coef(standard)), se = as.numeric(SE(standard))),
    logistic = fit(mild ~ I((age - 50) / 10) + sex + score, quasibinomial()),
    poisson = fit(count ~ I((age - 50) / 10) + sex + score, quasipoisson()),
    logistic_offset = fit(mild ~ I((age - 50) / 10) + sex + score + offset(log(age / 50)), quasibinomial()),
    poisson_offset = fit(count ~ I((age - 50) / 10) + sex + score + offset(log(age / 50)), quasipoisson())
  )
}

write_json(
  list(
    r = as.character(getRversion()), survey = as.character(packageVersion("survey")),
    two_or_more = results("psu"), lonely = results("psu_lonely"),
    # A domain that leaves half of the strata with one PSU.
    scattered = results("psu", data$domain == 1 & !(data$stratum %in% c(1, 4, 6) & data$psu == 2))
  ),
  file.path(here, "survey.json"), digits = NA, auto_unbox = TRUE, pretty = TRUE
)
