"""The game at the size of a city: a list of candidate pairs, running loads, compiled loops over mAPs."""
