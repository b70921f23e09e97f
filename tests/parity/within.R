# Within and between in R: person means by tapply, then glm + vcovCL, geepack::geeglm and lme4::glmer with 9 nodes.
# Run from this folder: Rscript within.R   (reads diary/, writes within.json)
# The mean of alcohol is over all logged nights on which it is known, that of the hours leaves the night out.
suppressPackageStartupMessages({library(sandwich); library(geepack); library(lme4); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
# Nights that are logged without a count: tests/test_within.py makes the same change.
diary$cramps[substr(diary$date, 10, 10) == "7"] <- NA
logged <- subset(diary, entry_made == "true")
sums <- function(x) tapply(x, logged$participant_id, sum, na.rm = TRUE)[logged$participant_id]
known <- function(x) tapply(!is.na(x), logged$participant_id, sum)[logged$participant_id]
logged$alcohol_between <- as.numeric(sums(logged$alcohol_units) / known(logged$alcohol_units))
logged$alcohol_within <- logged$alcohol_units - logged$alcohol_between
hours <- logged$hours_in_bed
logged$hours_between <- as.numeric((sums(hours) - ifelse(is.na(hours), 0, hours)) / (known(hours) - !is.na(hours)))
logged$hours_within <- hours - logged$hours_between

nights <- merge(subset(logged, !is.na(cramps)), people, by = "participant_id")
nights$age_decade <- (nights$age_years - 60) / 10
nights$participant <- as.integer(factor(nights$participant_id))
nights <- nights[order(nights$participant, nights$date), ]

one <- function(exposure) {
  parts <- paste(exposure, c("within", "between"), sep = "_")
  data <- nights[complete.cases(nights[c("age_decade", parts)]), ]
  fixed <- paste("cramps ~ age_decade +", paste(parts, collapse = " + "))
  plain <- glm(as.formula(fixed), poisson, data, epsilon = 1e-12)
  robust <- vcovCL(plain, cluster = ~participant, type = "HC0", cadjust = TRUE)
  marginal <- eval(substitute(
    geeglm(FORMULA, family = poisson, data = data, id = participant, corstr = "exchangeable",
           control = geese.control(epsilon = 1e-11, maxit = 200)), list(FORMULA = as.formula(fixed))))
  control <- glmerControl(optimizer = "bobyqa", tolPwrss = 1e-10,
                          optCtrl = list(rhoend = 1e-9, maxfun = 1e5))
  mixed <- glmer(as.formula(paste(fixed, "+ (1 | participant)")), data, poisson, nAGQ = 9, control = control)
  test <- function(b, v) { d <- c(0, 0, -1, 1); as.numeric((d %*% b)^2 / (d %*% v %*% d)) }
  report <- function(b, v) list(coefficients = unname(b), se = unname(sqrt(diag(as.matrix(v)))),
                                equal = test(b, as.matrix(v)))
  list(rows = nrow(data), means = list(first = data[1, parts[2]], sum = sum(data[[parts[2]]]),
                                       squares = sum(data[[parts[1]]]^2)),
       poisson = report(coef(plain), robust),
       `gee-exchangeable` = report(coef(marginal), marginal$geese$vbeta),
       `mixed-poisson` = report(fixef(mixed), vcov(mixed, use.hessian = TRUE)))
}
packages <- c("sandwich", "geepack", "lme4")
write_json(list(versions = c(list(R = as.character(getRversion())),
                             sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)),
                alcohol = one("alcohol"), hours = one("hours")),
           "within.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
