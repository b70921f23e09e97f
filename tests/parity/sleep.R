# Cramps and sleep in both directions in R: lme4::lmer with clubSandwich, geepack::geeglm, then glm + sandwich::vcovCL.
# Run from this folder: Rscript sleep.R   (reads diary/, writes sleep.json)
# The share of cramp nights is over all logged nights with a count; the mean of the score leaves the night itself out.
suppressPackageStartupMessages({library(lme4); library(clubSandwich); library(geepack); library(sandwich); library(jsonlite)})

diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
diary$date <- as.Date(diary$date)
diary$number <- as.integer(factor(diary$participant_id))
# A score made of what is there, unknown on some nights: tests/test_sleep.py makes the same one.
day <- as.integer(format(diary$date, "%d"))
diary$score <- 2 + diary$hours_in_bed / 2 - (diary$cramps > 0) + sin(diary$number) + cos(3 * day)
diary$score[day %% 10 == 5] <- NA
logged <- subset(diary, entry_made == "true")
logged$night <- as.numeric(logged$cramps > 0)
logged$between <- ave(logged$night, logged$number, FUN = function(v) mean(v, na.rm = TRUE))
logged$within <- logged$night - logged$between
known <- ave(as.numeric(!is.na(logged$score)), logged$number, FUN = sum)
total <- ave(ifelse(is.na(logged$score), 0, logged$score), logged$number, FUN = sum)
own <- ifelse(is.na(logged$score), 0, logged$score)
logged$others <- (total - own) / (known - !is.na(logged$score))
key <- paste(logged$participant_id, logged$date)
for (k in 1:3) {
  earlier <- logged$score[match(paste(logged$participant_id, logged$date - k), key)]
  logged[[paste0("lag", k)]] <- earlier - logged$others
}
logged <- logged[order(logged$number, logged$date), ]

scored <- subset(logged, !is.na(night) & !is.na(score))
control <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11))
mixed <- lmer(score ~ within + between + (1 | number), scored, control = control)
robust <- vcovCR(mixed, cluster = scored$number, type = "CR0")
marginal <- geeglm(score ~ within + between, family = gaussian, data = scored, id = number, corstr = "exchangeable",
                   control = geese.control(epsilon = 1e-11, maxit = 200))
nights <- logged[complete.cases(logged[c("cramps", "lag1", "lag2", "lag3", "others")]), ]
counts <- glm(cramps ~ lag1 + lag2 + lag3 + others, poisson, nights, control = glm.control(epsilon = 1e-14, maxit = 200))
v <- vcovCL(counts, cluster = nights$number, type = "HC0", cadjust = TRUE)
lags <- as.numeric(names(coef(counts)) %in% paste0("lag", 1:3))
people <- length(unique(scored$number))
packages <- c("lme4", "clubSandwich", "geepack", "sandwich")
write_json(list(
  versions = c(list(R = as.character(getRversion())),
               sapply(packages, function(name) as.character(packageVersion(name)), simplify = FALSE)),
  mixed = list(rows = nrow(scored), events = sum(scored$night), coefficients = unname(fixef(mixed)),
               se = unname(sqrt(diag(robust) * people / (people - 1))), model_se = unname(sqrt(diag(as.matrix(vcov(mixed)))))),
  gee = list(coefficients = unname(coef(marginal)), se = unname(sqrt(diag(marginal$geese$vbeta)))),
  lags = list(rows = nrow(nights), coefficients = unname(coef(counts)), se = unname(sqrt(diag(v))),
              sum = sum(coef(counts) * lags), sum_se = sqrt(as.numeric(lags %*% v %*% lags))),
  spread = sqrt(sum((scored$score - ave(scored$score, scored$number))^2) / (nrow(scored) - people))
), "sleep.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
