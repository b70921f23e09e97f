# Marginal models in R: geepack::geeglm, exchangeable and AR(1) over the calendar night.
# Run from this folder: Rscript gee.R   (reads gee-data.csv and diary/, writes gee.json)
suppressPackageStartupMessages({library(geepack); library(jsonlite)})

data <- read.csv("gee-data.csv")
people <- read.csv("diary/participants.csv", colClasses = c(participant_id = "character"))
diary <- read.csv("diary/diary.csv", colClasses = c(participant_id = "character"))
nights <- merge(subset(diary, entry_made == "true" & !is.na(cramps)), people, by = "participant_id")
nights$night <- as.integer(as.Date(nights$date) - min(as.Date(nights$date)))
nights$age <- (nights$age_years - 60) / 10
nights$female <- as.integer(nights$sex == "female")
nights$alcohol <- nights$alcohol_units
nights$hours <- nights$hours_in_bed
nights$participant <- as.integer(factor(nights$participant_id))

sets <- c(split(data, data$set), list(diary = nights))
settings <- list(
  serial = ~ age + alcohol, intercept = ~ age + alcohol, few = ~ age + alcohol, diary = ~ age + female + alcohol
)
describe <- function(fit) list(
  coefficients = unname(coef(fit)),
  se = sqrt(diag(fit$geese$vbeta)),
  model_se = sqrt(diag(fit$geese$vbeta.naiv)),
  alpha = unname(fit$geese$alpha), scale = unname(fit$geese$gamma), error = fit$geese$error
)
one <- function(name, family, structure, exposure) {
  data <- sets[[name]]
  data <- data[complete.cases(data[c(all.vars(settings[[name]]), if (exposure) "hours")]), ]
  data <- data[order(data$participant, data$night), ]
  # geeglm numbers the waves 1, 2, ... by the nights that occur at all: calendar distances need every night to occur.
  stopifnot(identical(sort(unique(data$night)), seq(min(data$night), max(data$night))))
  data$y <- if (family == "binomial") as.integer(data$cramps > 0) else data$cramps
  data$lo <- if (exposure) log(data$hours) else 0
  formula <- update(settings[[name]], y ~ . + offset(lo))
  # R's modelling functions look arguments up in the data: the calls are written out.
  fit <- eval(substitute(
    geeglm(FORMULA, family = FAMILY, data = data, id = participant, waves = night, corstr = STRUCTURE,
           control = geese.control(epsilon = 1e-10, maxit = 200)),
    list(FORMULA = formula, FAMILY = as.name(family), STRUCTURE = structure)
  ))
  c(describe(fit), rows = nrow(data))
}
grid <- expand.grid(set = names(sets), family = c("poisson", "binomial"), structure = c("exchangeable", "ar1"),
                    stringsAsFactors = FALSE)
results <- lapply(seq_len(nrow(grid)), function(i) {
  row <- grid[i, ]
  exposure <- row$family == "poisson" && row$set != "intercept"
  c(as.list(row), exposure = exposure, one(row$set, row$family, row$structure, exposure))
})
write_json(list(versions = list(R = as.character(getRversion()), geepack = as.character(packageVersion("geepack"))),
                fits = results), "gee.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
