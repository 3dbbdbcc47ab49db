"""Durable delivery of events: accepted once it is on disk, attempted until it is done or dead."""
