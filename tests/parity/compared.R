# Sites as strata of one study, direct standardisation written out, averages of predictions, ratios of two fits.
suppressMessages({library(survey); library(emmeans); library(clubSandwich); library(jsonlite)})
options(digits = 15)

# Twenty-four people of two sites, each with a number of nights and cramps, an age band and an exposure.
people <- data.frame(
  site = rep(c("here", "there"), each = 12),
  band = rep(c("young", "old"), 12),
  nights = c(10, 12, 7, 14, 9, 11, 13, 8, 12, 10, 6, 13, 8, 14, 12, 9, 10, 13, 14, 7, 9, 12, 7, 11),
  cramps = c(2, 5, 1, 8, 3, 2, 6, 4, 1, 2, 0, 7, 1, 9, 2, 4, 5, 3, 2, 1, 3, 8, 0, 7),
  exposed = c(0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0))
people$id <- seq_len(nrow(people))
people$rate <- people$cramps / people$nights * 7
design <- svydesign(id = ~id, strata = ~site, weights = ~nights, data = people)
whole <- svymean(~rate, design)
bands <- svyby(~rate, ~band, design, svymean, covmat = TRUE)

# The standardised rate of each site with weights 0.7 (young) and 0.3 (old), people of a band independent of the other's.
one <- function(x) {
  n <- nrow(x); r <- sum(x$cramps) / sum(x$nights)
  c(rate = 7 * r, variance = 49 * n / (n - 1) * sum((x$cramps - r * x$nights)^2) / sum(x$nights)^2)
}
standardised <- function(site) {
  parts <- sapply(c(young = "young", old = "old"), function(b) one(people[people$site == site & people$band == b, ]))
  w <- c(0.7, 0.3)
  c(rate = sum(w * parts["rate", ]), variance = sum(w^2 * parts["variance", ]))
}
a <- standardised("here"); b <- standardised("there")

# The ratio of an exposure in each site, and that of the two ratios.
fits <- lapply(split(people, people$site), function(x) {
  m <- glm(cramps ~ exposed + offset(log(nights)), poisson, x, control = list(epsilon = 1e-14))
  v <- vcovCR(m, x$id, type = "CR2")
  t <- coef_test(m, v, test = "Satterthwaite")
  list(log_ratio = coef(m)[["exposed"]], se = sqrt(v[2, 2]), df = t$df_Satt[2])
})
parting <- fits$there$log_ratio - fits$here$log_ratio
v <- c(fits$here$se^2, fits$there$se^2); df <- c(fits$here$df, fits$there$df)

# Averages of predictions over wool by emmeans, which in a balanced design are those over the looms.
breaks <- glm(breaks ~ wool * tension, poisson, warpbreaks, control = list(epsilon = 1e-14))
means <- as.data.frame(emmeans(regrid(ref_grid(breaks)), "tension"))
pairs_of <- as.data.frame(pairs(emmeans(regrid(ref_grid(breaks)), "tension"), reverse = TRUE))

out <- list(
  people = people[c("site", "band", "nights", "cramps", "exposed")],
  pooled = list(rate = coef(whole)[["rate"]], se = SE(whole)[[1]], df = degf(design)),
  bands = list(label = bands$band, rate = bands$rate, se = SE(bands)),
  standardised = list(ratio = b[["rate"]] / a[["rate"]],
                      log_se = sqrt(a[["variance"]] / a[["rate"]]^2 + b[["variance"]] / b[["rate"]]^2),
                      difference = b[["rate"]] - a[["rate"]], se = sqrt(a[["variance"]] + b[["variance"]])),
  factor = list(here = fits$here, there = fits$there, ratio_of_ratios = exp(parting), se = sqrt(sum(v)),
                df = sum(v)^2 / sum(v^2 / df)),
  emmeans = list(tension = as.character(means$tension), mean = means$rate, se = means$SE,
                 contrast = as.character(pairs_of$contrast), difference = pairs_of$estimate, se_difference = pairs_of$SE),
  versions = list(R = as.character(getRversion()), survey = as.character(packageVersion("survey")),
                  emmeans = as.character(packageVersion("emmeans")),
                  clubSandwich = as.character(packageVersion("clubSandwich"))))
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "compared.json")
