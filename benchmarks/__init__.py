"""Speed, as ratios measured in one run: against a twin in C, between phases, between lanes."""
