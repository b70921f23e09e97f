# The annual cycle in R: a cosine and a sine in glm and MASS::glm.nb, with sandwich and clubSandwich.
# Run from this folder: Rscript season.R   (reads season-data.csv, writes season.json)
suppressPackageStartupMessages({library(MASS); library(sandwich); library(clubSandwich); library(jsonlite)})

data <- read.csv("season-data.csv")
data$date <- as.Date(data$date)
angle <- 2 * pi * as.POSIXlt(data$date)$yday / 365.25 + 2 * pi / 365.25
data$cosine <- cos(angle)
data$sine <- sin(angle)
data$female <- as.integer(data$sex == "female")
first <- tapply(as.numeric(data$date), data$participant_id, min)
data$night <- as.numeric(data$date) - first[data$participant_id]
formula <- cramps ~ cosine + sine + age_years + female + night

cycle <- function(fit, covariance) {
  b <- unname(coef(fit)[c("cosine", "sine")])
  V <- unclass(as.matrix(covariance))[2:3, 2:3]
  amplitude <- sqrt(sum(b^2))
  along <- b / amplitude
  winter <- 2 * c(cos(2 * pi / 365.25), sin(2 * pi / 365.25))
  list(coefficients = b, errors = sqrt(diag(V)), amplitude = amplitude, amplitude_error = sqrt(c(along %*% V %*% along)),
       peak_day = ((atan2(b[2], b[1]) / (2 * pi)) %% 1) * 365.25, peak_to_trough = exp(2 * amplitude),
       relative_amplitude = (exp(amplitude) - exp(-amplitude)) / (exp(amplitude) + exp(-amplitude)),
       winter = exp(sum(winter * b)), winter_error = sqrt(c(winter %*% V %*% winter)),
       wald = c(t(b) %*% solve(V) %*% b))
}
clustered <- function(fit) vcovCL(fit, cluster = data$participant_id, type = "HC0", cadjust = TRUE)

tight <- glm.control(epsilon = 1e-15, maxit = 200)
# The second fit starts at the maximum: glm's information belongs to the step before the last one.
again <- function(family) {
  fit <- glm(formula, family = family, data = data, control = tight)
  glm(formula, family = family, data = data, control = tight, start = unname(coef(fit)))
}
counts <- glm.nb(formula, data = data, control = glm.control(epsilon = 1e-14, maxit = 200))
poisson_fit <- again(poisson())
held <- again(negative.binomial(counts$theta))
results <- list(
  poisson = cycle(poisson_fit, clustered(poisson_fit)),
  negative_binomial = cycle(counts, clustered(counts)),
  small = cycle(held, vcovCR(held, cluster = data$participant_id, type = "CR2")),
  dispersion = 1 / counts$theta,
  versions = list(R = as.character(getRversion()), MASS = as.character(packageVersion("MASS")),
                  sandwich = as.character(packageVersion("sandwich")),
                  clubSandwich = as.character(packageVersion("clubSandwich")))
)
write_json(results, "season.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
