"""The program inside a sandbox, and the wire protocol it shares with the host.

This package runs in containers that have no other part of nbfaas: it imports the standard library
and cloudpickle, nothing else.
"""
