"""Figures, tables and pages, made from result tables and nothing else."""
