"""Who is told of a training while it runs: TensorBoard always, MLflow, Weights & Biases, and whatever you write."""
