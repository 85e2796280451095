"""Schemes of somebody's own, trained by our loop."""
