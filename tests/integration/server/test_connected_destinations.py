"""Destinations of a notebook that works on a server, with credentials in their URLs."""

from __future__ import annotations

import base64

import pytest
from receivers import receiving

import nbfaas
from nbfaas import on, remote

pytestmark = pytest.mark.docker  # the fixtures remove images that are deployed


def test_a_url_gets_its_credentials_from_the_server_which_shows_them_to_nobody(serve):
    running = serve()
    with nbfaas.connect(running.url, token=running.token), receiving() as receiver:

        @on.event("lead", name="leads", on_success=receiver.url)
        @remote(cpu=0.5, memory="128MB")
        def lead():
            return 1

        nbfaas.emit("lead")
        assert nbfaas.triggers.drain(60)
        basic = "Basic " + base64.b64encode(b"me:s3cret").decode()
        assert receiver.asked == [("/hook?token=t0ken", basic)]
        assert nbfaas.triggers["leads.on_success"].target.endswith("/hook")
        told = f"{nbfaas.triggers!r} {lead.triggers[0]!r} {lead.triggers[0].spec!r}"
    for secret in ("s3cret", "t0ken"):
        assert secret not in told
        assert secret not in running.told
