"""Trained policies as ONNX graphs that take and give physical values, for use without this package or torch."""
