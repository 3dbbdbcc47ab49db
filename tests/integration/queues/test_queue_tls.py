"""Over TLS, with an authority that is not everybody's."""

from __future__ import annotations

import subprocess

import pytest
from queue_servers import NatsServer, RedisServer
from queues import FileIntake, until
from running import running

from nbfaas.errors.queue import QueueUnavailable
from nbfaas.triggers.queue_source import QueueSource

pytestmark = pytest.mark.queues


class RedisTlsServer(RedisServer):
    def command(self) -> list[str]:
        plain = super().command()
        plain[plain.index("--port") + 1] = "0"
        return [
            *(*plain, "--tls-port", str(self.port), "--tls-auth-clients", "no"),
            *("--tls-cert-file", str(self.folder / "cert"), "--tls-ca-cert-file"),
            *(str(self.folder / "cert"), "--tls-key-file", str(self.folder / "key")),
        ]

    @property
    def url(self) -> str:
        return super().url.replace("redis://", "rediss://").replace("127.0.0.1", "localhost")


class NatsTlsServer(NatsServer):
    def command(self) -> list[str]:
        files = ("--tlscert", str(self.folder / "cert"), "--tlskey", str(self.folder / "key"))
        return [*super().command(), "--tls", *files]

    @property
    def url(self) -> str:
        return super().url.replace("nats://", "tls://").replace("127.0.0.1", "localhost")


@pytest.fixture(params=[RedisTlsServer, NatsTlsServer])
def tls_server(request):
    server = request.param()
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(server.folder / "key"), "-out", str(server.folder / "cert")),
        ],
        check=True,
        capture_output=True,
    )
    server.start()
    yield server
    server.close()


async def test_a_server_is_read_only_if_its_certificate_is_trusted(
    tls_server, tmp_path, monkeypatch
):
    intake = FileIntake(tmp_path / "accepted")
    options = {"create": True, "subject": "S.>"} if isinstance(tls_server, NatsServer) else {}
    source = QueueSource.from_url(tls_server.url, stream="S", **options)
    with pytest.raises(QueueUnavailable, match=r"(?i)certificate"):
        await source.run(intake)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_server.folder / "cert"))
    # What a source took from the environment when it was made stays so.
    source = QueueSource.from_url(tls_server.url, stream="S", **options)
    async with running(source, intake):
        await until(lambda: intake.state)
