"""Whose export it is and what its columns mean, by the profiles of the vendors."""
