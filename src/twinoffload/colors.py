"""The colours of every picture, as hexadecimal RGB."""

INK, MUTED, LINE, PAPER = "#1f2328", "#656d76", "#d0d7de", "#ffffff"

# By number, not by BS: more BSs than colours start over, and labels tell them apart.
STATION_COLORS = ("#7a5fd0", "#1f9187", "#cf5064", "#8f8429")
