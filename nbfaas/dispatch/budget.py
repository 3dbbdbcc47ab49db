"""What all sandboxes together may declare: cores and bytes. Pure accounting."""

from __future__ import annotations

from nbfaas.agent.units import format_bytes
from nbfaas.errors import InsufficientResources
from nbfaas.model.function import Resources


class Budget:
    """Memory counts as long as a sandbox lives, cores while it works: an idle one uses none. A
    function's first sandbox needs no free cores either, since the kernel shares them; else
    functions that do not fit beside each other would take turns at starting.

    Prewarmed sandboxes that no function has been given do not count: they do nothing, and are
    given up for one that does.
    """

    def __init__(self, cpu: float, memory: int) -> None:
        self.cpu = cpu
        self.memory = memory
        self.memory_used = 0

    def __repr__(self) -> str:
        return (
            f"<Budget {self.cpu:g} cores, memory "
            f"{format_bytes(self.memory_used)} of {format_bytes(self.memory)}>"
        )

    def check(self, function: str, resources: Resources) -> None:
        """Raise ``InsufficientResources`` if not even one sandbox of this size could start."""
        if resources.cpu > self.cpu:
            raise InsufficientResources(
                function, f"cpu={resources.cpu:g}", f"{self.cpu:g} cores", "cpu_budget"
            )
        if resources.memory > self.memory:
            raise InsufficientResources(
                function,
                f"memory={format_bytes(resources.memory)}",
                format_bytes(self.memory),
                "memory_budget",
            )

    def has_cores(self, resources: Resources, at_work: float) -> bool:
        """Whether one more of this size may start beside those ``at_work``, in cores."""
        # A core declared as 0.1 + 0.2 must fit into 0.3.
        return at_work + resources.cpu <= self.cpu + 1e-9

    def has_memory(self, resources: Resources) -> bool:
        return self.memory_used + resources.memory <= self.memory

    def take(self, resources: Resources) -> None:
        self.memory_used += resources.memory

    def give_back(self, resources: Resources) -> None:
        self.memory_used -= resources.memory
