"""What Docker's cgroups say of a container (v1 and v2)."""

from __future__ import annotations

import subprocess
from pathlib import Path

_V1 = Path("/sys/fs/cgroup")


class Cgroup:
    """The memory and CPU accounts of one running container."""

    def __init__(self, container: str) -> None:
        pid = subprocess.run(
            ["docker", "inspect", "--format", "{{.State.Pid}}", container],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        self._folders: dict[str, Path] = {}
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in controllers.split(","):
                self._folders[controller] = _V1 / controllers / path.lstrip("/")
        self._unified = _V1 / self._folders[""].relative_to(_V1) if "" in self._folders else None

    def memory(self) -> int:
        """Bytes in use, as `docker stats` shows them: without the inactive part of file caches."""
        if "memory" in self._folders:
            folder = self._folders["memory"]
            used, name = int((folder / "memory.usage_in_bytes").read_text()), "total_inactive_file"
        else:
            assert self._unified is not None
            folder = self._unified
            used, name = int((folder / "memory.current").read_text()), "inactive_file"
        for line in (folder / "memory.stat").read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return used - int(value)
        return used

    def cpu_seconds(self) -> float:
        """CPU time used so far."""
        if "cpuacct" in self._folders:
            return int((self._folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        assert self._unified is not None
        for line in (self._unified / "cpu.stat").read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == "usage_usec":
                return int(value) / 1e6
        raise ValueError(f"{self._unified}/cpu.stat has no usage_usec")
