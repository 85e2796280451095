"""Solution concepts: which prices, associations and amounts go together, and how sure that is."""
