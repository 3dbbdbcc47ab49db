"""Queueing, pooling and running: the policies (pure) and the dispatcher that carries them out."""
