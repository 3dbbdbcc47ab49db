"""A registry that a test starts for itself, in a folder and on a loopback port of its own."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

from queue_servers import Server

USER, PASSWORD = "tester", "s3cr@t/p:w"
# bcrypt of PASSWORD
_HTPASSWD = "tester:$2y$05$ciM6Cq4oK4ndz76g8PO3UuCyw7jry1SOk3WhjgiV.EdfrzYn6rGgq"


class RegistryServer(Server):
    """``docker-registry``; with ``login`` it wants USER and PASSWORD, with ``tls`` it has a
    certificate of its own."""

    program = "docker-registry"
    script = "registry_server"
    marker = "registry"

    def __init__(self, *, login: bool = False, tls: bool = False) -> None:
        super().__init__()
        self.storage = self.folder / "storage"
        configuration: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": True},
            },
        }
        http: dict[str, object] = {"addr": f"127.0.0.1:{self.port}"}
        if tls:
            key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
            _make_certificate(key, certificate)
            http["tls"] = {"certificate": str(certificate), "key": str(key)}
        if login:
            users = self.folder / "htpasswd"
            users.write_text(_HTPASSWD)
            configuration["auth"] = {"htpasswd": {"realm": "tests", "path": str(users)}}
        configuration["http"] = http
        (self.folder / "config.yml").write_text(json.dumps(configuration))  # YAML holds JSON

    def command(self) -> list[str]:
        return [self.program, "serve", str(self.folder / "config.yml")]

    @property
    def url(self) -> str:
        return f"localhost:{self.port}"

    def blob(self, digest: str) -> Path:
        """The file of a layer, configuration or manifest."""
        name = digest.removeprefix("sha256:")
        return self.storage / f"docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data"

    def log_in(self, folder: Path) -> None:
        """Write a Docker config with the credentials; for DOCKER_CONFIG."""
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"auths": {self.url: {"auth": auth}}}))


def _make_certificate(key: Path, certificate: Path) -> None:
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
