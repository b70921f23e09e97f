"""From a truth to a complete cohort: people, habits, treatments, cramps, episodes, blood samples, the day after."""
