"""Words for what has a name of its own in the data: levels, treatments, remedies, outcomes and models."""

from __future__ import annotations

LEVELS = {
    "true": "yes",
    "false": "no",
    "none": "none",
    "below_9_years": "below 9 years",
    "9_to_11_years": "9 to 11 years",
    "degree": "college degree",
    "november_april": "November to April",
    "may_october": "May to October",
    "sits": "sitting",
    "walks": "walking",
    "carries_light": "carrying light loads",
}
AGENTS = {
    "vitamin_k2": "vitamin K2",
    "vitamin_d": "vitamin D",
    "vitamin_e": "vitamin E",
    "b_vitamins": "B vitamins",
    "tens": "TENS",
}
"""Treatments whose names hold abbreviations."""
REMEDIES = {"none": "no remedy", "stretch": "stretching", "other": "another remedy"}
RECALLED = {
    "none": "No cramp",
    "mild": "Mild",
    "moderate-severe": "Moderate-severe",
    "any": "Any cramp",
}
OUTCOMES = {
    "any_cramp": "Any cramp",
    "moderate_severe_vs_rest": "Moderate-severe",
    "class_30_days": "Class of 30 nights",
    "pain_fall": "Fall in pain",
    "residual_soreness": "Soreness afterwards",
}
MODELS = {
    "poisson": "Poisson",
    "zero inflated": "zero-inflated",
    "gee ": "GEE, ",
    "ar1": "AR(1)",
    "kaplan meier": "Kaplan-Meier",
    "Paule Mandel": "Paule-Mandel",
    "DerSimonian Laird": "DerSimonian-Laird",
}
