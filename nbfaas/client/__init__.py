"""Asking a running ``nbfaas serve`` over HTTP: for the command line, and ``nbfaas.connect``."""
