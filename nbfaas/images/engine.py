"""What images need of the Docker Engine: look up, build by adding a layer, pull, remove."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import docker
import docker.auth
import docker.errors
import requests

from nbfaas.errors import BackendUnavailable, ImageBuildFailed, ImageError, ImageNotFound
from nbfaas.images.layer import Layer

LABEL = "io.nbfaas."
_LAYER_PATIENCE = 900.0  # seconds for the daemon to unpack or commit a layer
_RUN_PATIENCE = 60.0  # seconds for a program that only says what it is
_REGISTRY_PATIENCE = 4.0  # seconds for a registry to say whether it has an image


@contextlib.contextmanager
def engine_errors(image: str) -> Iterator[None]:
    """Turn what the docker SDK raises into errors of ours."""
    try:
        yield
    except docker.errors.APIError as error:  # a RequestException too, hence first
        raise ImageError(f"image {image!r}: Docker says: {error.explanation or error}") from error
    except requests.exceptions.RequestException as error:
        raise BackendUnavailable(
            "docker", f"the Docker Engine does not answer ({error})", "Is dockerd running?"
        ) from error


class Engine:
    """A thin, typed layer over the docker SDK; blocking, safe to use from several threads."""

    def __init__(self, client: docker.DockerClient, container_labels: Mapping[str, str]) -> None:
        self._api = client.api
        self._container_labels = dict(container_labels)

    def __repr__(self) -> str:
        return f"<Engine at {self._api.base_url}>"

    def inspect(self, reference: str) -> dict[str, Any] | None:
        """The image's inspection, or None if it is not on this machine."""
        with engine_errors(reference):
            try:
                found: dict[str, Any] = self._api.inspect_image(reference)
            except docker.errors.ImageNotFound:
                return None
            return found

    def find_layer(self, key: str) -> str | None:
        """The id of the image whose topmost layer was built under this key."""
        with engine_errors(key):
            ids: list[str] = self._api.images(
                all=True, quiet=True, filters={"label": f"{LABEL}layer={key}"}
            )
        return ids[0] if ids else None

    def images(self) -> list[dict[str, Any]]:
        """Summaries of the tagged images that nbfaas has built."""
        with engine_errors("nbfaas"):
            found: list[dict[str, Any]] = self._api.images(filters={"label": f"{LABEL}runtime"})
        return [image for image in found if image.get("RepoTags")]

    def remove(self, reference: str) -> None:
        """Remove a tag, and what nothing else needs below it."""
        with engine_errors(reference), contextlib.suppress(docker.errors.ImageNotFound):
            self._api.remove_image(reference)

    def build(
        self,
        name: str,
        parent: str | None,
        layer: Layer,
        *,
        tag: str | None = None,
        labels: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        entrypoint: list[str] | None = None,
    ) -> str:
        """Put one layer on top of ``parent`` (an id; None: of nothing) and return the image's id.

        Nothing is run and nothing fetched: the layer is unpacked into a container that is never
        started, and that is committed; the daemon takes half the time it needs for a Dockerfile's
        ADD. ``name`` is what errors call the image. Raises ``ImageBuildFailed``.
        """
        # Labels are inherited, from the parent and from the container; these must not be.
        blank = dict.fromkeys((f"{LABEL}layer", *self._container_labels), "")
        config = {
            "Env": [f"{key}={value}" for key, value in (env or {}).items()],
            "Labels": blank | dict(labels or {}),
            "Entrypoint": entrypoint,
            "Healthcheck": {"Test": ["NONE"]},  # a base's own would run beside the functions
        }
        with layer.finish() as content, engine_errors(name):
            try:
                if parent is None:
                    parent = self._import(content)
                    content = io.BytesIO()
                return self._commit(parent, content, config, tag)
            except docker.errors.APIError as error:
                log = str(error.explanation or error)
                raise ImageBuildFailed(name, "adding a layer", log) from error

    def _import(self, content: BinaryIO) -> str:
        output = self._send("post", "/images/create", {"fromSrc": "-"}, data=content).text
        for line in output.splitlines():
            said = json.loads(line)
            if str(said.get("status", "")).startswith("sha256:"):
                return str(said["status"])
        raise docker.errors.APIError(f"importing a layer: {output}")

    def _commit(
        self, parent: str, content: BinaryIO, config: Mapping[str, object], tag: str | None
    ) -> str:
        repository, _, version = (tag or "").partition(":")
        container = self._api.create_container(
            parent, command=["none"], labels=self._container_labels
        )["Id"]
        try:
            if content.read(1):
                content.seek(0)
                self._send("put", f"/containers/{container}/archive", {"path": "/"}, data=content)
            made = self._send(
                "post",
                "/commit",
                {"container": container, "repo": repository, "tag": version},
                json=config,
            )
            return str(made.json()["Id"])
        finally:
            self._api.remove_container(container, force=True, v=True)

    def _send(self, method: str, path: str, params: dict[str, str], **body: Any) -> Any:
        """What the SDK would do, but with a time limit that suits layers of gigabytes."""
        url = f"{self._api.base_url}/v{self._api.api_version}{path}"
        answer = self._api.request(method, url, params=params, timeout=_LAYER_PATIENCE, **body)
        if not answer.ok:
            raise docker.errors.APIError(answer.reason, answer, _message(answer))
        return answer

    def can_pull(self, reference: str) -> str | None:
        """Ask the registry for the image, for a few seconds; the reason why not, or None."""
        registry, _ = docker.auth.resolve_repository_name(reference.partition("@")[0])
        header = docker.auth.get_config_header(self._api, registry)
        url = f"{self._api.base_url}/v{self._api.api_version}/distribution/{reference}/json"
        try:
            answer = self._api.get(
                url,
                timeout=_REGISTRY_PATIENCE,
                headers={"X-Registry-Auth": header} if header else {},
            )
        except requests.exceptions.Timeout:
            return f"its registry did not answer within {_REGISTRY_PATIENCE:g} s"
        except requests.exceptions.ConnectionError as error:
            return f"the Docker Engine did not answer: {error}"
        return None if answer.ok else _message(answer)

    def tag(self, image: str, reference: str) -> None:
        """Give an image one more name."""
        repository, _, tag = reference.rpartition(":")
        with engine_errors(reference):
            self._api.tag(image, repository, tag)

    def push(self, image: str, repository: str, tag: str) -> Iterator[dict[str, Any]]:
        """What the daemon says while it uploads, errors included, as it comes."""
        reference = f"{repository}:{tag}"
        self.tag(image, reference)
        with engine_errors(reference):
            yield from self._api.push(repository, tag=tag, stream=True, decode=True)

    def download(self, repository: str, digest: str) -> Iterator[dict[str, Any]]:
        """What the daemon says while it pulls by digest, errors included, as it comes."""
        try:
            yield from self._api.pull(repository, tag=digest, stream=True, decode=True)
        except docker.errors.APIError as error:
            yield {"error": str(error.explanation or error)}

    def pull(self, reference: str, say: Callable[[str], None]) -> dict[str, Any]:
        """Fetch an image from its registry. Raises ``ImageNotFound``."""
        reason = self.can_pull(reference)
        if reason is not None:
            raise ImageNotFound(reference, detail=reason)
        say(f"pulling {reference}")
        name, _, tag = reference.partition("@")
        with engine_errors(reference):
            for line in self._api.pull(name, tag=tag or _tag(name), stream=True, decode=True):
                if "error" in line:
                    raise ImageNotFound(reference, detail=str(line["error"]))
        found = self.inspect(reference)
        if found is None:
            raise ImageNotFound(reference, detail="it was pulled, but is not there")
        return found

    def files(self, image: str, folder: str) -> dict[str, bytes]:
        """The files directly in a folder of an image, by name; empty if it has no such folder.
        Read from a container that is never started."""
        with engine_errors(image):
            container = self._api.create_container(
                image, command=["none"], labels=self._container_labels
            )["Id"]
            try:
                chunks, _ = self._api.get_archive(container, folder)
                with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
                    return {
                        member.name.partition("/")[2]: file.read()
                        for member in tar
                        if member.isfile() and (file := tar.extractfile(member)) is not None
                    }
            except docker.errors.NotFound:
                return {}
            finally:
                self._api.remove_container(container, force=True, v=True)

    def run(self, image: str, command: list[str]) -> tuple[int, str, str]:
        """Run a program in the image, as confined as sandboxes are, without network.

        Returns exit code (127: there is no such program), stdout and stderr.
        """
        with engine_errors(image):
            host = self._api.create_host_config(
                network_mode="none",
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                mem_limit="512m",
                pids_limit=64,
                tmpfs={"/tmp": "size=64m"},  # noqa: S108 - of the container
            )
            container = self._api.create_container(
                image,
                command=command[1:],
                entrypoint=command[:1],
                user="65534:65534",
                host_config=host,
                labels=self._container_labels,
            )["Id"]
            try:
                self._api.start(container)
                code = int(self._api.wait(container, timeout=_RUN_PATIENCE)["StatusCode"])
                out = self._api.logs(container, stdout=True, stderr=False)
                err = self._api.logs(container, stdout=False, stderr=True)
            except docker.errors.APIError as error:
                return 127, "", str(error.explanation)
            except (requests.exceptions.Timeout, requests.exceptions.ConnectionError):
                return 124, "", f"it did not end within {_RUN_PATIENCE:g} s"
            finally:
                self._api.remove_container(container, force=True, v=True)
        return code, out.decode(errors="replace"), err.decode(errors="replace")


def _tag(name: str) -> str:
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or "latest"


def _message(answer: requests.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError):
        return f"HTTP {answer.status_code} {answer.text[:200]}".strip()
