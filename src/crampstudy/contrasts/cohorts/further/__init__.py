"""What a comparison of cohorts is asked beside its groups: few events, draws, sites as one study, other kinds."""
