"""What the study's report and docs/results.md say, from tables, figures and verdicts."""
