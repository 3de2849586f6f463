"""What a trained cohort is asked and what its answers are worth; how fast it is, measured apart."""
