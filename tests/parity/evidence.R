# Meta-analysis in R: metafor, on the BCG trials (dat.bcg), the magnesium trials, and rows that share a control arm.
# Run from this folder: Rscript evidence.R   (writes evidence.json)
suppressPackageStartupMessages({library(metafor); library(jsonlite)})

tight <- list(threshold = 1e-14, maxiter = 10000, tol = 1e-14)
fine <- function(yi, vi, ...) rma(yi, vi, ..., control = tight)
interval <- function(found, low, high) c(as.numeric(found[[low]]), as.numeric(found[[high]]))
tests <- c(`Wald` = "z", `Hartung-Knapp without the floor` = "knha", `Hartung-Knapp with the floor` = "adhoc")

pools <- function(yi, vi) {
  methods <- c(REML = "REML", `Paule-Mandel` = "PM", `DerSimonian-Laird` = "DL")
  by_method <- lapply(methods, function(method) {
    found <- fine(yi, vi, method = method)
    list(tau2 = found$tau2, estimate = as.numeric(found$b), se = found$se, I2 = found$I2 / 100)
  })
  errors <- lapply(tests, function(test) {
    found <- fine(yi, vi, test = test)
    list(se = found$se, limits = interval(found, "ci.lb", "ci.ub"), p = found$pval)
  })
  reml <- fine(yi, vi)
  profile <- confint(reml, control = list(tau2.max = 1e4, tol = 1e-12))$random
  without <- leave1out(reml)
  robust <- robust(reml, cluster = seq_along(yi))
  out <- list(yi = yi, vi = vi, pools = by_method, errors = errors, Q = reml$QE, Q_p = reml$QEp,
              profile = list(tau2 = unname(profile[1, 2:3]), I2 = unname(profile[3, 2:3]) / 100),
              weights = unname(weights(reml)) / 100, without = without$estimate, without_tau2 = without$tau2,
              robust = list(se = robust$se, limits = interval(robust, "ci.lb", "ci.ub")))
  if (length(yi) > 2) out$prediction <- list(
    `z` = interval(predict(reml), "pi.lb", "pi.ub"),
    `t with k-1, Hartung-Knapp without the floor` = interval(predict(fine(yi, vi, test = "knha")), "pi.lb", "pi.ub"),
    `t with k-1, Hartung-Knapp with the floor` = interval(predict(fine(yi, vi, test = "adhoc")), "pi.lb", "pi.ub"),
    `t with k-2 (Riley)` = interval(predict(reml, pi.type = "riley"), "pi.lb", "pi.ub"))
  out
}

bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
bcg$vi <- as.numeric(bcg$vi); bcg$yi <- as.numeric(bcg$yi)
latitude <- fine(bcg$yi, bcg$vi, mods = ~ablat, data = bcg)
latitude_hk <- fine(bcg$yi, bcg$vi, mods = ~ablat, data = bcg, test = "knha")
groups <- fine(bcg$yi, bcg$vi, mods = ~ 0 + factor(alloc), data = bcg)
between <- fine(bcg$yi, bcg$vi, mods = ~ factor(alloc), data = bcg)
cumulative <- cumul(fine(bcg$yi, bcg$vi, data = bcg), order = bcg$year)
egger <- regtest(fine(bcg$yi, bcg$vi, data = bcg), model = "rma", predictor = "sei")
regression <- list(coefficients = as.numeric(latitude$b), se = latitude$se, se_hk = latitude_hk$se,
                   tau2 = latitude$tau2, R2 = latitude$R2 / 100)

shared <- list(yi = c(-0.9, -0.6, -0.2, 0.1, -1.1), V = diag(c(0.20, 0.25, 0.09, 0.16, 0.30)),
               cluster = c("a", "a", "b", "c", "d"))
shared$V[1, 2] <- shared$V[2, 1] <- 0.12
model <- rma.mv(shared$yi, shared$V, random = ~ 1 | row, data = data.frame(row = 1:5),
                control = list(rel.tol = 1e-12))
by_trial <- robust(model, cluster = shared$cluster)

write_json(list(
  versions = list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor"))),
  bcg = c(pools(bcg$yi, bcg$vi), list(
    latitude = c(bcg$ablat), year = c(bcg$year), allocation = as.character(bcg$alloc), regression = regression,
    groups = list(names = levels(factor(bcg$alloc)), estimates = as.numeric(groups$b), se = groups$se,
                  tau2 = groups$tau2, QM = between$QM, QM_p = between$QMp),
    cumulative = cumulative$estimate, egger = list(z = egger$zval, p = egger$pval))),
  magnesium = pools(c(0.175, -0.38, -0.8), c(0.332, 0.888, 0.311)^2),
  `without the presumed unit` = pools(c(0.175, -0.38), c(0.332, 0.888)^2),
  shared = c(shared, list(tau2 = model$sigma2, estimate = as.numeric(model$b), se = model$se,
                          robust = list(se = by_trial$se, limits = interval(by_trial, "ci.lb", "ci.ub"))))),
  "evidence.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
