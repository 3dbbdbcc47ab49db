"""What ``import nbfaas`` offers."""

import subprocess
import sys

import pytest

import nbfaas


def test_every_public_name_is_there_and_listed():
    for name in nbfaas.__all__:
        assert getattr(nbfaas, name) is not None
        assert name in dir(nbfaas)
    with pytest.raises(AttributeError, match="no attribute 'remoet'"):
        nbfaas.remoet


@pytest.mark.parametrize(
    "before", ["import nbfaas.remote.progress", "import nbfaas.remote", "import nbfaas.service"]
)
def test_remote_is_the_decorator_whatever_was_imported_before(before):
    code = f"{before}\nfrom nbfaas import remote\nremote(lambda: 1)\nimport nbfaas; nbfaas.remote"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)
