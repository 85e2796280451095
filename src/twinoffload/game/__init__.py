"""The Stackelberg game of one slot: parameters, payoffs (Eqs. 2-11), best response and best price. No time."""
