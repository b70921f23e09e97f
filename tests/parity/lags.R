# Distributed lags and the reliability of person means in R: dates by match(), then glm and MASS::glm.nb with
# sandwich::vcovCL, for small samples with clubSandwich's CR2, and aov.
# Run from this folder: Rscript lags.R   (reads diary/, writes lags.json)
# The deviations are from the mean of all logged nights of a person, the same at every lag; lags are calendar nights.
suppressPackageStartupMessages({library(MASS); library(sandwich); library(clubSandwich); library(jsonlite)})

people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
# Nights that are logged without a count, and nights that are not there: tests/test_person_time.py makes the same change.
diary$cramps[substr(diary$date, 10, 10) == "7"] <- NA
diary <- subset(diary, substr(diary$date, 9, 10) != "11")
diary$date <- as.Date(diary$date)
logged <- subset(diary, entry_made == "true")
x <- logged$alcohol_units
logged$between <- ave(x, logged$participant_id, FUN = function(v) mean(v, na.rm = TRUE))
key <- paste(logged$participant_id, logged$date)
earlier <- function(k) x[match(paste(logged$participant_id, logged$date - k), key)]
for (k in -1:3) logged[[paste0("lag", sub("-", "m", k))]] <- earlier(k) - logged$between
window <- function(n, f) {
  all <- sapply(seq_len(n) - 1, earlier)
  ifelse(rowSums(!is.na(all)) >= 0.8 * n, f(all), NA)
}
logged$mean_last <- window(7, function(m) rowMeans(m, na.rm = TRUE))
logged$days_last <- window(7, function(m) rowSums(m > 0, na.rm = TRUE))
span <- function(from, to, least) {
  all <- sapply(from:to, earlier)
  ifelse(rowSums(!is.na(all)) >= least, rowMeans(all, na.rm = TRUE), NA)
}
chronic <- span(7, 34, 14)
logged$load_ratio <- ifelse(is.na(chronic) | chronic == 0, NA, span(0, 6, 5) / chronic)

nights <- merge(subset(logged, !is.na(cramps)), people, by = "participant_id")
nights$age_decade <- (nights$age_years - 60) / 10
nights <- nights[order(nights$participant_id, nights$date), ]
tight <- glm.control(epsilon = 1e-14, maxit = 200)

one <- function(terms, lags = 0, family = "poisson") {
  data <- nights[complete.cases(nights[c("age_decade", terms)]), ]
  formula <- as.formula(paste("cramps ~ age_decade +", paste(terms, collapse = " + ")))
  fit <- if (family == "poisson") glm(formula, poisson, data, control = tight) else glm.nb(formula, data, control = tight)
  v <- vcovCL(fit, cluster = data$participant_id, type = "HC0", cadjust = TRUE)
  total <- as.numeric(names(coef(fit)) %in% paste0("lag", 0:lags))
  # The second fit starts at the maximum: glm's information belongs to the step before the last one.
  held <- if (family == "poisson") poisson() else negative.binomial(fit$theta)
  held <- glm(formula, held, data, control = tight, start = unname(coef(fit)))
  cr2 <- vcovCR(held, cluster = data$participant_id, type = "CR2")
  tested <- linear_contrast(held, cr2, unname(rbind(diag(length(total)), total)), test = "Satterthwaite")
  list(rows = nrow(data), coefficients = unname(coef(fit)), se = unname(sqrt(diag(v))), covariance = unname(v),
       sum = sum(coef(fit) * total), sum_se = sqrt(as.numeric(total %*% v %*% total)),
       small = list(covariance = unname(unclass(matrix(cr2, nrow(cr2)))), se = tested$SE, df = tested$df))
}
known <- subset(logged, !is.na(alcohol_units))
table <- summary(aov(alcohol_units ~ factor(participant_id), known))[[1]][["Mean Sq"]]
n <- as.numeric(table(known$participant_id))
k0 <- (sum(n) - sum(n^2) / sum(n)) / (length(n) - 1)
plain <- one(c("lag0", "between"))
write_json(list(
  versions = c(list(R = as.character(getRversion())),
               sapply(c("MASS", "sandwich", "clubSandwich"), function(p) as.character(packageVersion(p)), simplify = FALSE)),
  joint = one(c(paste0("lag", 0:3), "between"), 3), lead = one(c(paste0("lag", 0:3), "lagm1", "between"), 3),
  `negative-binomial` = list(joint = one(c(paste0("lag", 0:3), "between"), 3, "negative-binomial"),
                             plain = one(c("lag0", "between"), 0, "negative-binomial")),
  single = one(c("lag1", "between")), mean_last = one("mean_last"), days_last = one("days_last"),
  load_ratio = one("load_ratio"), plain = plain,
  reliability = list(icc = (table[1] - table[2]) / (table[1] + (k0 - 1) * table[2]), k0 = k0,
                     value = 1 - table[2] / table[1])
), "lags.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
