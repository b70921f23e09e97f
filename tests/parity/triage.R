# Weeks with more than 2 cramps, and recall against log, in R: survey for the clustered share, the rest written out.
# Run from this folder: Rscript triage.R   (reads triage-nights.csv and triage-people.csv, writes triage.json)
suppressPackageStartupMessages({library(survey); library(jsonlite)})

nights <- read.csv("triage-nights.csv")
nights$date <- as.Date(nights$date)
first <- tapply(as.numeric(nights$date), nights$participant_id, min)
nights$week <- floor((as.numeric(nights$date) - first[nights$participant_id]) / 7) + 1
weeks <- aggregate(cbind(cramps, nights = 1) ~ participant_id + week, data = nights, FUN = sum)
weeks$above <- ifelse(weeks$cramps > 2, 1, ifelse(weeks$nights >= 5, 0, NA))
told <- weeks[!is.na(weeks$above), ]
weeks <- merge(weeks, transform(told[c("participant_id", "week", "above")], week = week + 1),
               by = c("participant_id", "week"), all.x = TRUE, suffixes = c("", "_before"))
whole <- svydesign(ids = ~participant_id, data = weeks, weights = ~1)
# A part of the weeks keeps the design of all of them.
share <- function(chosen) {
  chosen <- chosen & !is.na(weeks$above)
  rows <- weeks[chosen, ]
  made <- svyciprop(~above, subset(whole, chosen), method = "logit", df = length(unique(rows$participant_id)) - 1)
  list(estimate = as.numeric(coef(made)), interval = as.numeric(confint(made)), weeks = nrow(rows), flagged = sum(rows$above),
       participants = length(unique(rows$participant_id)))
}

people <- read.csv("triage-people.csv")
sums <- aggregate(cbind(cramps, nights = 1) ~ participant_id, data = nights, FUN = sum)
both <- merge(people, sums[sums$nights >= 28, ], by = "participant_id")
recalled <- ifelse(is.na(both$recalled_high), both$recalled_low, (both$recalled_low + both$recalled_high) / 2)
logged <- 30 * both$cramps / both$nights
d <- sqrt(recalled) - sqrt(logged)
n <- length(d)
t <- qt(0.975, n - 1)
z <- qnorm(0.975)
around <- function(value, error) list(estimate = value, error = error, interval = value + c(-1, 1) * t * error)
of_limit <- sd(d) * sqrt(1 / n + z^2 / (2 * (n - 1)))

lows <- c(0, 1, 2, 5, 16)
class_of <- function(x) findInterval(x, lows)
table_of <- table(factor(class_of(both$recalled_low), 1:5), factor(class_of(floor(logged + 0.5)), 1:5))
# Fleiss, Cohen and Everitt 1969, formula 14, cell by cell.
kappa <- function(w) {
  p <- table_of / sum(table_of)
  row <- rowSums(p); column <- colSums(p)
  po <- sum(w * p); pe <- sum(w * outer(row, column))
  k <- (po - pe) / (1 - pe)
  total <- 0
  for (i in 1:5) for (j in 1:5) {
    wi <- sum(w[i, ] * column); wj <- sum(w[, j] * row)
    total <- total + p[i, j] * (w[i, j] * (1 - pe) - (wi + wj) * (1 - po))^2
  }
  error <- sqrt((total - (po * pe - 2 * pe + po)^2) / (sum(table_of) * (1 - pe)^4))
  list(estimate = k, error = error, interval = k + c(-1, 1) * z * error)
}
apart <- abs(outer(1:5, 1:5, "-")) / 4
write(toJSON(list(
  weeks = share(rep(TRUE, nrow(weeks))),
  after_above = share(weeks$above_before %in% 1),
  after_other = share(weeks$above_before %in% 0),
  bias = around(mean(d), sd(d) / sqrt(n)),
  lower = around(mean(d) - z * sd(d), of_limit),
  upper = around(mean(d) + z * sd(d), of_limit),
  people = n,
  quadratic = kappa(1 - apart^2),
  linear = kappa(1 - apart),
  same = sum(diag(table_of)) / sum(table_of),
  r = R.version.string, survey = as.character(packageVersion("survey"))
), digits = 12, auto_unbox = TRUE, pretty = TRUE), "triage.json")
