# Two surveys compared in R: survey::svyby with covmat and svycontrast for the standardised prevalence of each and for
# two bands of one, independent surveys put together by hand.
# Run from this folder: Rscript two_surveys.R   (reads survey-data.csv, writes two_surveys.json)
suppressPackageStartupMessages({library(survey); library(jsonlite)})
options(survey.lonely.psu = "adjust", survey.adjust.domain.lonely = TRUE)

data <- read.csv("survey-data.csv")
data$band <- cut(data$age, c(20, 40, 60, Inf), right = FALSE, labels = c("20-39", "40-59", "60+"))
shares <- c(0.5, 0.3, 0.2)

# Strata 1 to 4 are one survey, 5 to 8 another.
one <- function(strata) {
  design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = data[data$stratum %in% strata, ], nest = TRUE)
  bands <- svyby(~mild, ~band, subset(design, age >= 20), svymean, covmat = TRUE)
  standard <- svycontrast(bands, setNames(shares, levels(data$band)))
  oldest <- svycontrast(bands, c(`20-39` = -1, `60+` = 1))
  list(bands = unname(coef(bands)), band_se = unname(as.numeric(SE(bands))),
       standard = as.numeric(coef(standard)), se = as.numeric(SE(standard)),
       difference = as.numeric(coef(oldest)), difference_se = as.numeric(SE(oldest)))
}
first <- one(1:4); second <- one(5:8)
out <- list(
  shares = shares, first = first, second = second,
  ratio = second$standard / first$standard,
  log_se = sqrt((second$se / second$standard)^2 + (first$se / first$standard)^2),
  difference = second$standard - first$standard, se = sqrt(second$se^2 + first$se^2),
  versions = list(R = as.character(getRversion()), survey = as.character(packageVersion("survey"))))
write(toJSON(out, digits = NA, auto_unbox = TRUE, pretty = TRUE), "two_surveys.json")
