"""Signatures as Standard Webhooks has them."""

from __future__ import annotations

import base64

import pytest

from nbfaas.errors.serve import BadWebhook
from nbfaas.server.webhooks import TOLERANCE, secret_keys, sign, verify

# The example that the specification's reference libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
KEYS = secret_keys(SECRET)


def headers(**changed: str) -> dict[str, str]:
    given = {"webhook_id": ID, "webhook_timestamp": str(AT), "webhook_signature": SIGNATURE}
    return {name.replace("_", "-"): value for name, value in {**given, **changed}.items()}


def test_the_specifications_example_is_signed_and_verified():
    assert sign(KEYS[0], ID, AT, BODY) == SIGNATURE
    assert verify(KEYS, headers(), BODY, AT) == ID


def test_a_secret_may_lack_its_prefix_and_there_may_be_several():
    other = "whsec_" + base64.b64encode(b"another secret, of enough bytes").decode()
    keys = secret_keys(f"{other} {SECRET.removeprefix('whsec_')}")
    assert verify(keys, headers(), BODY, AT) == ID


def test_one_right_signature_of_several_is_enough():
    several = f"v1a,Zm9v v1,{base64.b64encode(b'wrong').decode()} {SIGNATURE}"
    assert verify(KEYS, headers(webhook_signature=several), BODY, AT) == ID


@pytest.mark.parametrize(
    ("changed", "body", "reason"),
    [
        ({}, BODY + b" ", "no signature"),
        ({"webhook_id": "msg_other"}, BODY, "no signature"),
        ({"webhook_timestamp": str(AT + 1)}, BODY, "no signature"),
        ({"webhook_signature": SIGNATURE.replace("v1,", "v2,")}, BODY, "no signature"),
        ({"webhook_signature": SIGNATURE[3:]}, BODY, "no signature"),
        ({"webhook_signature": ""}, BODY, "no signature"),
        ({"webhook_signature": "v1,é"}, BODY, "no signature"),
        ({"webhook_id": ""}, BODY, "webhook-id is missing"),
        ({"webhook_timestamp": ""}, BODY, "webhook-timestamp is missing"),
        ({"webhook_timestamp": "-5"}, BODY, "webhook-timestamp is missing"),
        ({"webhook_timestamp": "9" * 30}, BODY, "webhook-timestamp is missing"),
    ],
)
def test_anything_else_is_refused(changed, body, reason):
    with pytest.raises(BadWebhook, match=reason):
        verify(KEYS, headers(**changed), body, AT)


@pytest.mark.parametrize("off", [-TOLERANCE - 1, TOLERANCE + 1])
def test_an_old_request_or_one_of_the_future_is_refused(off):
    with pytest.raises(BadWebhook, match="more than 300 s"):
        verify(KEYS, headers(), BODY, AT + off)
    assert verify(KEYS, headers(), BODY, AT + off * 0.99) == ID


@pytest.mark.parametrize("text", ["", "   ", "whsec_", "whsec_a", "whsec_YQ=="])
def test_a_secret_that_is_none_is_told(text):
    with pytest.raises(ValueError, match=r"secret|none"):
        secret_keys(text)
