"""Frozen data: what the layers above hand to each other. No I/O, no clock."""
