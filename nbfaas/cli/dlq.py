"""``nbfaas dlq``."""

from __future__ import annotations

from typing import Any

import click

from nbfaas.cli.asking import server_options, shown

_HEADINGS = ("N", "TRIGGER", "TYPE", "EVENT", "DIED", "ATTEMPTS", "REASON", "LAST ERROR")

_LISTED = "`nbfaas dlq` lists those there are"


@click.command("dlq")
@click.argument("action", type=click.Choice(["list", "show", "redrive", "purge"]), default="list")
@click.argument("numbers", type=int, nargs=-1, metavar="[N]...")
@click.option("--trigger", metavar="NAME", help="Those of one trigger.")
@click.option("--all", "every", is_flag=True, help="Redrive or purge all of them.")
@click.option("-n", "count", type=click.IntRange(1, 1000), default=20, help="How many to list.")
@server_options
def command(
    action: str,
    numbers: tuple[int, ...],
    trigger: str | None,
    every: bool,
    count: int,
    server: str | None,
    token: str | None,
) -> None:
    """List the dead letters of a running server, deliver them again, or forget them."""
    from nbfaas.client.asking import ServerClient

    with ServerClient(server, token) as client:
        if action in ("list", "show"):
            query = {"n": 1000 if action == "show" else count}
            given = query if trigger is None else {**query, "trigger": trigger}
            letters = client.get("/admin/dlq", **given)["dead_letters"]
            _show(letters, numbers) if action == "show" else _list(letters)
            return
        count = client.post(f"/admin/dlq/{action}", _which(numbers, trigger, every))["count"]
    letters = "1 dead letter" if count == 1 else f"{count:,} dead letters"
    told = f"{letters} {'will be delivered again' if action == 'redrive' else 'forgotten'}"
    asked = len(set(numbers))
    if count == 0 and trigger is not None:
        raise click.ClickException(f"there is no dead letter of a trigger {trigger!r}; {_LISTED}")
    if count < asked:
        named = ", ".join(map(str, sorted(set(numbers))))
        there = "no dead letter has this number" if asked == 1 else f"only {told}"
        raise click.ClickException(f"{named}: {there}; {_LISTED}")
    click.echo(told)


def _which(numbers: tuple[int, ...], trigger: str | None, every: bool) -> dict[str, Any]:
    given = [
        each
        for each in (
            {"numbers": list(numbers)} if numbers else None,
            {"trigger": trigger} if trigger else None,
            {"all": True} if every else None,
        )
        if each is not None
    ]
    if len(given) != 1:
        raise click.UsageError("which ones? Give numbers, --trigger NAME, or --all")
    return given[0]


def _list(letters: list[dict[str, Any]]) -> None:
    from nbfaas.agent.units import format_seconds
    from nbfaas.cli.tables import echo_table

    rows = [
        (
            str(each["number"]),
            each["trigger"],
            str(each["event"].get("type")),
            str(each["event"].get("id"))[:40],
            f"{format_seconds(each['died_ago'])} ago",
            str(each["attempts"]),
            each["reason"],
            (each["error"] or "")[:100],
        )
        for each in letters
    ]
    echo_table(_HEADINGS, rows, "There are no dead letters.")


def _show(letters: list[dict[str, Any]], numbers: tuple[int, ...]) -> None:
    there = {each["number"]: each for each in letters}
    for number in numbers:
        if number not in there:
            raise click.ClickException(f"no dead letter has the number {number}")
        click.echo(shown(there[number]))
