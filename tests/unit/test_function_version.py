"""What versions are told apart by: the digest over all that sandboxes are given, in full."""

from __future__ import annotations

import dataclasses
import sys

import pytest

from nbfaas import Secret
from nbfaas.backends.base import SandboxSpec
from nbfaas.client.uploads import Uploads
from nbfaas.dispatch.keep_alive import KeepAlive
from nbfaas.dispatch.lane import Lane
from nbfaas.model.function import Entry, FunctionOptions, FunctionVersion, Resources
from nbfaas.model.image import ImageSpec
from nbfaas.model.session import Command, Supersede, Upload

ONE = FunctionVersion.make("score", b"payload", FunctionOptions())
# As somebody could make one, in some 2**24 tries.
OTHER = dataclasses.replace(
    FunctionVersion.make("rank", b"other", FunctionOptions()), version=ONE.version
)


@pytest.mark.parametrize(
    "other",
    [
        FunctionVersion.make("score", b"payloae", FunctionOptions()),
        FunctionVersion.make("core", b"payloads", FunctionOptions()),  # the same, end to end
        FunctionVersion.make("score", b"payload", FunctionOptions(timeout=1.0)),
        FunctionVersion.make("score", b"payload", FunctionOptions(), entry=Entry.HANDLER),
        FunctionVersion.make("score", b"payload", FunctionOptions(), requires=("numpy",)),
        FunctionVersion.make("score", b"payload", FunctionOptions(), takes_context=True),
        FunctionVersion.make(
            "score", b"payload", FunctionOptions(secrets=(Secret.from_dict({"A": "1"}),))
        ),
    ],
)
def test_whatever_sandboxes_are_given_makes_another_digest(other):
    assert other.digest != ONE.digest
    assert other.version != ONE.version


def test_the_short_id_is_the_beginning_of_the_digest():
    again = FunctionVersion.make("score", b"payload", FunctionOptions(), filename="Cell In[3]")
    assert again.digest == ONE.digest
    assert len(ONE.digest) == 64
    assert ONE.digest[:12] == ONE.version


def test_a_lane_does_not_serve_another_function_with_the_same_short_id():
    lane = Lane(ONE, SandboxSpec(ImageSpec(), Resources()), KeepAlive(), 0.0)
    assert lane.serves(ONE)
    assert not lane.serves(OTHER)


def test_functions_with_the_same_short_id_are_uploaded_apart():
    sent: list[Command] = []
    uploads = Uploads(sent.append, sys.version_info[:2], 1 << 20)
    keys = [uploads.key_of(each)[0] for each in (ONE, OTHER, ONE)]
    assert keys[0] == keys[2] != keys[1]
    assert [(each.key, each.payload) for each in sent if isinstance(each, Upload)] == [
        (keys[0], b"payload"),
        (keys[1], b"other"),
    ]
    uploads.supersede(OTHER.digest)
    assert sent[2:] == [Supersede(keys[1])]
