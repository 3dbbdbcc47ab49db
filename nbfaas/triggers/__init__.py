"""Triggers: sources of events, and which function they lead to."""
