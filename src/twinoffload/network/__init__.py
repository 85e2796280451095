"""The radio network: geometry, mobility, path loss and the uplink of Eq. 1. Metres and watts, no money."""
