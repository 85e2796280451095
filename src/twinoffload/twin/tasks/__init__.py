"""What digital twins learn, on data of the simulated network, and a control that nobody here made."""
