"""A registry that a test starts for itself, in a folder and on a port of its own: of the loopback,
or of another address of this machine."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from queue_servers import Server

USER, PASSWORD = "tester", "s3cr@t/p:w"
_TRUSTED = Path("/etc/docker/certs.d")
# bcrypt of PASSWORD
_HTPASSWD = "tester:$2y$05$ciM6Cq4oK4ndz76g8PO3UuCyw7jry1SOk3WhjgiV.EdfrzYn6rGgq"


class RegistryServer(Server):
    """``docker-registry``; with ``login`` it wants USER and PASSWORD, with ``tls`` it has a
    certificate of an authority of its own."""

    program = "docker-registry"
    script = "registry_server"
    marker = "registry"

    def __init__(self, *, login: bool = False, tls: bool = False, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self.storage = self.folder / "storage"
        configuration: dict[str, object] = {
            "version": 0.1,
            "log": {"level": "error"},
            "storage": {
                "filesystem": {"rootdirectory": str(self.storage)},
                "delete": {"enabled": True},
            },
        }
        http: dict[str, object] = {"addr": f"{host}:{self.port}"}
        if tls:
            _make_certificates(self.folder, host)
            http["tls"] = {
                "certificate": str(self.folder / "cert.pem"),
                "key": str(self.folder / "key.pem"),
            }
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
        return f"{'localhost' if self.host == '127.0.0.1' else self.host}:{self.port}"

    @contextlib.contextmanager
    def trusted(self) -> Iterator[None]:
        """Let Docker trust the authority, as an operator does (as root); dockerd need not be
        restarted."""
        folder = _TRUSTED / self.url
        is_new = not _TRUSTED.exists()
        folder.mkdir(parents=True)
        try:
            (folder / "ca.crt").write_text((self.folder / "ca.pem").read_text())
            yield
        finally:
            (folder / "ca.crt").unlink(missing_ok=True)
            folder.rmdir()
            if is_new:
                with contextlib.suppress(OSError):  # others have come to be there
                    _TRUSTED.rmdir()

    def blob(self, digest: str) -> Path:
        """The file of a layer, configuration or manifest."""
        name = digest.removeprefix("sha256:")
        return self.storage / f"docker/registry/v2/blobs/sha256/{name[:2]}/{name}/data"

    def log_in(self, folder: Path) -> None:
        """Write a Docker config with the credentials; for DOCKER_CONFIG."""
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps({"auths": {self.url: {"auth": auth}}}))


def _make_certificates(folder: Path, host: str) -> None:
    """``ca.pem``, and ``cert.pem`` with ``key.pem`` that it has signed."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for command in (
        (*("req", "-x509", *curve, "-days", "2", "-subj", "/CN=an authority of tests"),
         *("-keyout", "ca.key", "-out", "ca.pem")),
        ("req", *curve, "-subj", "/CN=registry", "-keyout", "key.pem", "-out", "request.pem"),
        (*("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key"),
         *("-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "cert.pem")),
    ):  # fmt: skip
        (folder / "names").write_text(f"subjectAltName=DNS:localhost,IP:{host}")
        subprocess.run(["openssl", *command], check=True, capture_output=True, cwd=folder)
