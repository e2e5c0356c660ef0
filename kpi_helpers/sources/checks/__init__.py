"""The quality gate: what is odd about the data, on which rows, and what it is worth."""
