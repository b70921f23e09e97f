# Averages of predictions by the delta method, direct standardisation with intervals for few events, multiplicity.
suppressMessages({library(MASS); library(sandwich); library(epitools); library(jsonlite)})

average <- function(model, variable, one, other, v) {
  data <- model.frame(model)
  terms <- delete.response(terms(model))
  at <- function(level) { d <- data; d[[variable]] <- factor(level, levels = levels(data[[variable]])); model.matrix(terms, d) }
  x <- list(at(one), at(other)); b <- coef(model)
  m <- sapply(x, function(z) mean(exp(z %*% b)))
  g <- t(sapply(x, function(z) colMeans(as.vector(exp(z %*% b)) * z)))
  g_ratio <- g[1, ] / m[1] - g[2, ] / m[2]; g_diff <- g[1, ] - g[2, ]
  list(means = m, ratio = m[1] / m[2], log_se = sqrt(drop(t(g_ratio) %*% v %*% g_ratio)),
       difference = m[1] - m[2], se = sqrt(drop(t(g_diff) %*% v %*% g_diff)))
}

breaks <- glm(breaks ~ wool * tension, poisson, warpbreaks, control = list(epsilon = 1e-14))
epil_fit <- glm.nb(y ~ trt + lbase + lage + V4, data = MASS::epil)
v_epil <- vcovCL(epil_fit, cluster = ~ subject, type = "HC0", cadjust = TRUE)
down <- list(
  count = c(107, 141, 60, 40, 39, 25),
  pop = c(230061, 329449, 114920, 39487, 14208, 3052),
  std = c(319933, 931318, 786511, 488235, 237863, 61313))
exact <- ageadjust.direct(count = down$count, pop = down$pop, stdpop = down$std) * 1e5
p <- c(0.001, 0.012, 0.03, 0.04, 0.2, 0.6)
out <- list(
  warpbreaks = average(breaks, "tension", "H", "L", vcov(breaks)),
  epil = average(epil_fit, "trt", "progabide", "placebo", v_epil),
  down = c(down, list(rate = exact[["adj.rate"]], gamma_low = exact[["lci"]], gamma_high = exact[["uci"]])),
  p = p, holm = p.adjust(p, "holm"), fdr = p.adjust(p, "BH"))
write(toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "compare.json")
