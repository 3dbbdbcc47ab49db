"""Benchmarks: ``python -m benchmarks`` measures nbfaas beside its peers, in one run."""
