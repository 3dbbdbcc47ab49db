"""What declaring an endpoint costs."""

from __future__ import annotations

import subprocess
import sys


def test_the_server_is_not_imported_before_it_is_started():
    code = (
        "import sys, nbfaas, nbfaas.gateway, nbfaas.triggers.http_source;"
        "print({'uvicorn', 'starlette', 'httptools', 'cloudevents'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
