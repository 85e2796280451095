"""Stacked reinforcement learners that know nothing of the game.

All agents of one kind, over every seed and scenario value of a run, are the members of one ensemble
`[members, ...]` and are updated together in batched matrix products. Members never mix: each has its own
weights, data, rates and randomness, and a member trained alone behaves as the same member in a crowd.
"""
