"""What an analysis of a simulated cohort should find: the answers that its truth implies."""

# Each adds its answers to the registry; truth.json lists them in this order.
from crampstudy.simulate.estimands import diary_answers as diary_answers
from crampstudy.simulate.estimands import frequency as frequency
from crampstudy.simulate.estimands import night_odds as night_odds
from crampstudy.simulate.estimands import season as season
from crampstudy.simulate.estimands import sleep as sleep
from crampstudy.simulate.estimands import sums_and_contrasts as sums_and_contrasts
from crampstudy.simulate.estimands import values_at_centiles as values_at_centiles
