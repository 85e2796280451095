"""Studies: schemes played side by side on the same channels, gathered in one table."""
