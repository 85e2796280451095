"""The game over time: slots in which the operator prices, the mAPs offload and both are paid."""
