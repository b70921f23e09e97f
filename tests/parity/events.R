# Times to an event in R: survival's coxph, cox.zph and survfit, and gap times between cramp nights.
# Run from this folder: Rscript events.R   (reads events-data.csv and diary/, writes events.json)
suppressPackageStartupMessages({library(survival); library(jsonlite)})

episodes <- read.csv("events-data.csv", colClasses = c(participant_id = "character"))
episodes$stretch <- as.integer(episodes$remedy == "stretch")
episodes$heat <- as.integer(episodes$remedy == "heat")
episodes$age <- (episodes$age_years - 60) / 10
episodes$pain <- episodes$pain_0_10
terms <- c("stretch", "heat", "age", "pain")
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)

# coxph stops one step early: the second fit starts where the first one ended.
polished <- function(formula, data) {
  environment(formula) <- environment()
  first <- coxph(formula, data = data, cluster = participant_id, ties = "efron", control = tight)
  init <- unname(coef(first))
  again <- coxph(formula, data = data, cluster = participant_id, ties = "efron", control = tight, init = init)
  # The likelihood without an association is that of the first.
  again$loglik[1] <- first$loglik[1]
  again
}
checked <- function(fit, transform) {
  # The residuals of every fourth event are enough to compare.
  some <- function(x) if (is.matrix(x)) x[seq(1, nrow(x), 4), ] else x[seq(1, length(x), 4)]
  z <- cox.zph(fit, transform = transform, terms = FALSE)
  list(statistic = unname(z$table[, 1]), df = unname(z$table[, 2]), p = unname(z$table[, 3]),
       time = some(z$time), transformed = some(z$x), residuals = unname(some(z$y)))
}
told <- function(fit, terms) list(
  terms = terms, coefficients = unname(coef(fit)), log_likelihood = fit$loglik, rows = fit$n, events = fit$nevent,
  covariance = list(`cluster-hc0` = unname(vcov(fit)), model = unname(fit$naive.var)),
  km = checked(fit, "km"), identity = checked(fit, "identity")
)
fitted <- function(left, strata) {
  right <- c(terms, if (strata) "strata(late)")
  polished(as.formula(paste(left, "~", paste(right, collapse = "+"))), episodes)
}
results <- list(
  plain = told(fitted("Surv(stop_s, event)", FALSE), terms),
  strata = told(fitted("Surv(stop_s, event)", TRUE), terms),
  entry = told(fitted("Surv(entry_s, stop_s, event)", FALSE), terms),
  both = told(fitted("Surv(entry_s, stop_s, event)", TRUE), terms)
)

# Kaplan-Meier by remedy; influence gives the clusters' part in a restricted mean.
curve <- function(data, cluster) {
  robust <- !is.null(cluster)
  fit <- if (robust) survfit(Surv(stop_s, event) ~ 1, data = data, cluster = participant_id, conf.type = "log-log",
                             influence = TRUE)
         else survfit(Surv(stop_s, event) ~ 1, data = data, conf.type = "log-log")
  at <- fit$n.event > 0
  middle <- quantile(fit, 0.5)
  mean60 <- unname(survival:::survmean(fit, rmean = 60)$matrix[c("rmean", "se(rmean)")])
  if (robust) {
    inside <- fit$time < 60
    area <- diff(c(fit$time[inside], 60))
    mean60[2] <- sqrt(sum((fit$influence.surv[, inside, drop = FALSE] %*% area)^2))
  }
  list(time = fit$time[at], at_risk = fit$n.risk[at], events = fit$n.event[at], survival = fit$surv[at],
       # log-scale errors without a cluster, plain ones with it
       std_error = (if (robust) fit$std.err / fit$surv else fit$std.err)[at],
       low = fit$lower[at], high = fit$upper[at],
       median = unname(c(middle$quantile, middle$lower, middle$upper)), mean60 = mean60)
}
results$curves <- lapply(split(episodes, episodes$remedy), function(data)
  list(`cluster-hc0` = curve(data, TRUE), model = curve(data, NULL)))

# Gap times: nights from a cramp night to the next one, as long as every night in between was observed.
people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
seen <- subset(diary, entry_made == "true" & !is.na(cramps))
gaps <- do.call(rbind, lapply(split(seen, seen$participant_id), function(person) {
  day <- as.integer(as.Date(person$date))
  cramp <- day[person$cramps > 0]
  made <- lapply(seq_along(cramp), function(i) {
    length <- 0; event <- 0
    while ((cramp[i] + length + 1) %in% day && !event) {
      length <- length + 1
      event <- as.integer((cramp[i] + length) %in% cramp)
    }
    data.frame(participant_id = person$participant_id[1], gap = i, time = length, event = event)
  })
  do.call(rbind, made)
}))
none <- sum(gaps$time == 0)
gaps <- merge(subset(gaps, time > 0), people, by = "participant_id")
gaps <- gaps[order(gaps$participant_id, gaps$gap), ]
gaps$age <- (gaps$age_years - 60) / 10
gaps$female <- as.integer(gaps$sex == "female")
results$gaps <- list(participant_id = gaps$participant_id, gap = gaps$gap, time = gaps$time, event = gaps$event, none = none)
pwp <- function(formula) told(polished(formula, gaps), c("age", "female"))
results$pwp <- pwp(Surv(time, event) ~ age + female + strata(gap))
results$unstratified <- pwp(Surv(time, event) ~ age + female)
results$versions <- list(R = as.character(getRversion()), survival = as.character(packageVersion("survival")))
write_json(results, "events.json", digits = NA, auto_unbox = TRUE, na = "null")
