"""``nbfaas serve``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("serve")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    help="The configuration; ./nbfaas.toml, if it is there, unless given.",
)
@click.option("--print-config", "prints", is_flag=True, help="Show all keys with their defaults.")
@click.option("--host", help="Instead of the configuration's.")
@click.option("--port", type=click.IntRange(0, 65535), help="Instead of the configuration's.")
def command(path: Path | None, prints: bool, host: str | None, port: int | None) -> None:
    """Serve deployed functions with their triggers, without a notebook.

    Ends on SIGTERM or Ctrl-C: nothing more is let in, what runs may end, what else was accepted
    waits for the next start. SIGHUP looks for new versions at once.
    """
    from nbfaas.server.config import ServerConfig, check_host, read_config
    from nbfaas.server.config_text import config_text

    if prints:
        click.echo(config_text(), nl=False)
        return
    import msgspec

    from nbfaas.server.process import serve

    if path is None and Path("nbfaas.toml").exists():
        path = Path("nbfaas.toml")
    config = ServerConfig() if path is None else read_config(path)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if host is not None:
        check_host("the command line", host)
    config = msgspec.structs.replace(config, **given)
    serve(
        config,
        str(path or "the configuration"),
        lambda line: click.echo(f"nbfaas: {line}", err=True),
    )
