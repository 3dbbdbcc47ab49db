"""An image made from this very interpreter: no registry, no network, nothing run while building.

What goes in: the interpreter of ``sys.base_prefix`` moved to ``/usr/local``, its standard library
without tests, IDLE, Tk and pip, the shared libraries that ``ldd`` names for all of it and those
that every manylinux wheel may expect, ``/bin/sh`` and a dozen of the commands that scripts use,
the CA bundle, time zones, ``/etc/passwd`` with ``root`` and ``nobody``. All libraries lie in the
folder of libc, which the loader searches without any configuration.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import site
import ssl
import subprocess
import sys
from pathlib import Path

from nbfaas.errors import ImageBuildFailed
from nbfaas.images.layer import Layer, compiled, walk

_MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"
_PREFIX = "/usr/local"
_RECIPE = "2"  # changes when what goes into the image does
_LEFT_OUT = frozenset(
    {"test", "tests", "idlelib", "turtledemo", "tkinter", "ensurepip", "lib2to3", "site-packages",
     "dist-packages", "__pycache__", "turtle.py"}
)  # fmt: skip
_EXTENSIONS_LEFT_OUT = ("_test", "_tkinter", "xx", "_xxtest", "_ctypes_test")
# What manylinux wheels may take for granted (PEP 600), X11 and GL apart, and what libc loads late.
_EXPECTED = (
    "libgcc_s.so.1", "libstdc++.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1",
    "libutil.so.1", "libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2", "libz.so.1",
)  # fmt: skip
_COMMANDS = (
    "cat", "chmod", "cp", "date", "echo", "env", "false", "head", "id", "ls", "mkdir", "mv", "pwd",
    "rm", "sleep", "sort", "tail", "test", "touch", "tr", "true", "uname", "wc",
)  # fmt: skip
_LDD_LINE = re.compile(r"^\s*(?:(\S+) => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/tmp:/bin/sh\n"
_GROUP = b"root:x:0:\nnogroup:x:65534:\n"
_FOLDERS = {"/tmp": 0o1777, "/var/tmp": 0o1777, "/root": 0o700}  # noqa: S108 - of the image
_FOLDERS |= dict.fromkeys(("/dev", "/proc", "/sys", "/run", "/work", "/opt", "/home"), 0o755)

ENVIRONMENT = {
    "PATH": f"{_PREFIX}/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
}


def available() -> bool:
    """Whether this interpreter can be made into an image: it must be a Linux program."""
    return sys.platform == "linux" and shutil.which("ldd") is not None


def interpreter_key() -> str:
    """A hash that changes when the interpreter on this machine does; takes no time to compute."""
    stat = os.stat(_executable())
    stamp = os.stat(_stdlib() / "os.py").st_mtime_ns
    parts = (_RECIPE, sys.version, sys.base_prefix, stat.st_size, stat.st_mtime_ns, stamp)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def fill(layer: Layer) -> None:
    """Put the interpreter and all it needs into a layer. Raises ``ImageBuildFailed``."""
    executable = _executable()
    _skeleton(layer)
    binary = f"{_PREFIX}/bin/python{_MINOR}"
    layer.copy(binary, executable)
    for name in ("python", "python3"):
        layer.symlink(f"{_PREFIX}/bin/{name}", f"python{_MINOR}")
    extensions = _standard_library(layer)
    commands = [path for name in ("sh", *_COMMANDS) if (path := shutil.which(name)) is not None]
    for path in commands:
        layer.copy(f"/usr/bin/{os.path.basename(path)}", os.path.realpath(path))
    _libraries(layer, [str(executable), *map(str, extensions), *commands])
    layer.folder(site.getsitepackages([_PREFIX])[0])


def _executable() -> Path:
    base = getattr(sys, "_base_executable", None) or sys.executable
    return Path(os.path.realpath(base))


def _stdlib() -> Path:
    return Path(os.__file__).parent


def _skeleton(layer: Layer) -> None:
    for path, mode in _FOLDERS.items():
        layer.folder(path, mode)
    for name in ("bin", "sbin", "lib", "lib64"):
        if os.path.islink(f"/{name}"):  # a merged /usr, as all current distributions have it
            layer.folder(f"/usr/{name}")
            layer.symlink(f"/{name}", f"usr/{name}")
    layer.symlink("/bin", "usr/bin")
    layer.file("/etc/passwd", _PASSWD)
    layer.file("/etc/group", _GROUP)
    layer.file("/etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    layer.file("/etc/os-release", b'ID=nbfaas\nNAME="nbfaas"\nPRETTY_NAME="nbfaas sandbox"\n')
    bundle = ssl.get_default_verify_paths().cafile
    if bundle and os.path.isfile(bundle):
        layer.copy(ENVIRONMENT["SSL_CERT_FILE"], bundle)
        layer.symlink("/usr/lib/ssl/cert.pem", ENVIRONMENT["SSL_CERT_FILE"])
    zones = Path("/usr/share/zoneinfo")
    if zones.is_dir():
        for entry in walk(zones):
            if entry.is_file() and entry.relative_to(zones).parts[0] not in ("right", "posix"):
                layer.copy(str(entry), os.path.realpath(entry))


def _standard_library(layer: Layer) -> list[Path]:
    """Add the standard library; return its extension modules (on the host)."""
    source = _stdlib()
    target = f"{_PREFIX}/{sys.platlibdir}/python{_MINOR}"
    extensions: list[Path] = []
    for folder, names, files in os.walk(source, followlinks=True):
        names[:] = sorted(n for n in names if n not in _LEFT_OUT and not n.startswith("config-"))
        for name in sorted(files):
            path = Path(folder, name)
            if name in _LEFT_OUT or not path.is_file():
                continue
            where = f"{target}/{path.relative_to(source)}"
            if path.suffix == ".so":
                if name.startswith(_EXTENSIONS_LEFT_OUT):
                    continue
                extensions.append(path)
            layer.copy(where, path)
            if path.suffix == ".py":
                _bytecode(layer, path, where)
    return extensions


def _bytecode(layer: Layer, path: Path, where: str) -> None:
    name = f"__pycache__/{path.stem}.{sys.implementation.cache_tag}.pyc"
    cached = path.parent / name
    target = f"{where.rpartition('/')[0]}/{name}"
    if cached.is_file():
        layer.copy(target, cached)
    elif (code := compiled(path.read_bytes(), where)) is not None:
        layer.file(target, code)


def _libraries(layer: Layer, programs: list[str]) -> None:
    found = _ldd(programs)
    if "libc.so.6" not in found:
        raise ImageBuildFailed(
            f"python {_MINOR}",
            "making an image from this interpreter",
            "ldd names no libc.so.6 for it, so this machine's libraries can't be collected. Set "
            f"nbfaas.config.base_image to an image with Python {_MINOR}.",
        )
    home = os.path.dirname(os.path.realpath(found["libc.so.6"]))
    paths = (os.path.join(home, name) for name in _EXPECTED if name not in found)
    expected = {os.path.basename(path): path for path in paths if os.path.exists(path)}
    found |= expected | _ldd(list(expected.values()))
    for name, path in sorted(found.items()):
        # The loader itself is named by its full path; programs look for it there only.
        where = path if name.startswith("/") else os.path.join(home, name)
        if name.startswith("/"):
            where = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        layer.copy(where, os.path.realpath(path))


def _ldd(programs: list[str]) -> dict[str, str]:
    """Library names (or the loader's path) to the files that the loader would take for them."""
    run = subprocess.run(
        ["ldd", *programs], capture_output=True, text=True, timeout=60, check=False
    )
    return {name or path: path for name, path in _LDD_LINE.findall(run.stdout)}
