"""Tokens with roles: where they come from, and whom they let in."""

from __future__ import annotations

import pytest

from nbfaas.errors.serve import ServerConfigError
from nbfaas.gateway.guard import Guard
from nbfaas.gateway.reply import Refusal
from nbfaas.gateway.roles import ANY_ROLE, Role, Token
from nbfaas.server.calling import made_by
from nbfaas.server.config import ServerConfig, TokenKeys, parse_config
from nbfaas.server.tokens import admin_missing, tokens_of

TOKENS = (Token("a" * 20), Token("i" * 20, Role.INVOKE, "shop"), Token("r" * 20, Role.READ))


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("roles", "let_in"),
    [
        ((), "a"),
        ((Role.INVOKE,), "ai"),
        ((Role.READ,), "ar"),
        (ANY_ROLE, "air"),
    ],
)
def test_only_the_roles_that_are_named_are_let_in_besides_admins(roles, let_in):
    guard = Guard("127.0.0.1", TOKENS)
    for token in TOKENS:
        if token[0] in let_in:
            assert guard.check_token(bearer(token), *roles) is token
        else:
            with pytest.raises(Refusal, match=f"the role .*admin; this one has {token.role}") as no:
                guard.check_token(bearer(token), *roles)
            assert no.value.reply.status == 403
            assert b"insufficient_scope" in dict(no.value.reply.headers)[b"www-authenticate"]


def test_an_unknown_token_is_401_whatever_is_asked_for():
    with pytest.raises(Refusal) as no:
        Guard("127.0.0.1", TOKENS).check_token(bearer("x" * 20), *ANY_ROLE)
    assert no.value.reply.status == 401


def test_where_there_are_no_tokens_everybody_may_do_all():
    assert Guard("127.0.0.1", ()).check_token({}).role is Role.ADMIN


def test_a_plain_string_is_an_admins():
    found = Guard("127.0.0.1", ("plain-token-of-one",)).check_token(bearer("plain-token-of-one"))
    assert found.role is Role.ADMIN
    assert "plain" not in repr(found)


def test_roles_are_configured_and_an_admins_token_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP", "token-of-the-shop")
    (tmp_path / "readers").write_text("first-of-the-readers\nsecond-of-the-readers\n")
    (tmp_path / "admins").write_text("the-one-administrator\n")
    config = parse_config(
        f'[[tokens]]\nrole = "invoke"\nenv = "SHOP"\n'
        f'[[tokens]]\nrole = "read"\nfile = "{tmp_path}/readers"\nname = "grafana"\n'
        f'[[tokens]]\nrole = "admin"\nfile = "{tmp_path}/admins"\n'
    )
    tokens, whence = tokens_of(config, "f.toml", tmp_path)
    assert [(token.role, token.name) for token in tokens] == [
        (Role.ADMIN, "admins"),
        (Role.INVOKE, "SHOP"),
        (Role.READ, "grafana"),
        (Role.READ, "grafana"),
    ]
    assert "SHOP" in whence
    assert not (tmp_path / "serve.token").exists()


def test_a_server_whose_tokens_are_no_admins_tells_so(tmp_path):
    assert admin_missing(TOKENS, "f.toml", tmp_path) is None
    told = admin_missing(TOKENS[1:], "f.toml", tmp_path)
    assert told is not None
    assert "no token has the role admin" in told
    assert "token_env in f.toml gives one" in told
    assert "serve.token" not in told
    tokens_of(ServerConfig(), "f.toml", tmp_path)  # an earlier start, without tokens of its own
    assert f"{tmp_path}/serve.token, of an earlier start, is none" in str(
        admin_missing(TOKENS[1:], "f.toml", tmp_path)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[tokens]]\nrole = "root"\nenv = "A"', r"tokens\[0\].role: .*'root'"),
        ('[[tokens]]\nrole = "read"', r"tokens\[0\]: it has env or file"),
        ('[[tokens]]\nrole = "read"\nenv = "A"\nfile = "b"', r"tokens\[0\]: it has env or file"),
        ('[[tokens]]\nrole = "read"\nenv = "A"\nname = "a@b"', r"tokens\[0\].name: 'a@b' is no"),
        ('[[tokens]]\nrol = "read"', r"tokens\[0\].rol: there is no such key; did you mean 'role'"),
        ('[[tokens]]\nrole = "read"\nenv = "UNSET"', r"tokens\[0\].env: the environment variable"),
        ('token_env = ["A"]\n[[tokens]]\nrole = "read"\nenv = "A"', "the role admin; choose one"),
    ],
)
def test_what_is_wrong_with_a_token_is_told_with_its_place(text, message, tmp_path, monkeypatch):
    monkeypatch.setenv("A", "a-token-that-is-long-enough")
    monkeypatch.delenv("UNSET", raising=False)
    with pytest.raises(ServerConfigError, match=message) as told:
        tokens_of(parse_config(text, "f.toml"), "f.toml", tmp_path)
    assert "long-enough" not in str(told.value)


def test_a_caller_is_told_of_its_own_calls_only():
    shop, other = Token("s" * 20, Role.INVOKE, "shop"), Token("o" * 20, Role.INVOKE, "shop2")
    assert made_by(shop, "shop@thumb.key")
    assert not made_by(other, "shop@thumb.key")
    assert not made_by(shop, "thumb.key")
    assert made_by(Token("a" * 20), "shop@thumb.key")


def test_the_keys_are_the_configurations():
    assert ServerConfig().tokens == ()
    assert TokenKeys(role="read", env="A").name == ""
