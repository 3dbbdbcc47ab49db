"""The durable record of invocations: what happened survives the kernel."""

from nbfaas.journal.entry import Counts, JournaledInvocation
from nbfaas.journal.journal import Journal
from nbfaas.journal.writer import Retention

__all__ = ["Counts", "Journal", "JournaledInvocation", "Retention"]
