"""Twin tasks, training at the BSs and measured accuracy (Eqs. 5 to 8)."""
