"""``nbfaas registry prune NAME``."""

from __future__ import annotations

import click


@click.command("prune")
@click.argument("name")
@click.option("--keep", type=int, default=5, show_default=True, help="How many newest ones stay.")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
def command(name: str, keep: int, dry_run: bool) -> None:
    """Delete old versions from the registry.

    What aliases of this machine's catalog lead to stays. The space is free once the registry has
    collected its garbage.
    """
    from nbfaas.remote.registry import prune_registry

    entries = prune_registry(name, keep, dry_run=dry_run)
    if not entries:
        click.echo(f"Nothing to delete: of {name!r} it has no more than what stays.")
    for entry in entries:
        would = "would delete" if dry_run else "deleted"
        click.echo(f"{would} {entry.name}:{entry.version} {entry.digest}")
