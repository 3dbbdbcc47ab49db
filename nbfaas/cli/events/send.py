"""``nbfaas events send TYPE``."""

from __future__ import annotations

import click

from nbfaas.cli.asking import read_data, server_options


@click.command("send")
@click.argument("kind", metavar="TYPE")
@click.option("--data", default="null", help="The event's data as JSON; @FILE, or - for stdin.")
@click.option("--source", default="nbfaas", help="Who says so.")
@click.option("--id", "event_id", help="Source and id name an event; made up, unless given.")
@click.option("--subject", help="What it is about.")
@server_options
def command(
    kind: str,
    data: str,
    source: str,
    event_id: str | None,
    subject: str | None,
    server: str | None,
    token: str | None,
) -> None:
    """Put a CloudEvent on the bus of a running server, and show which triggers it leads to."""
    from nbfaas.agent.event import BadEvent, Event
    from nbfaas.client.asking import ServerClient

    try:
        event = Event(kind, read_data(data), source=source, id=event_id, subject=subject)
    except BadEvent as error:
        raise click.ClickException(str(error)) from None
    with ServerClient(server, token) as client:
        found = client.post(
            "/events", event.to_dict(), {"content-type": "application/cloudevents+json"}
        )
    leads = ", ".join(found["matched"]) or "no trigger matches"
    again = " (accepted before, not delivered again)" if found["duplicate"] else ""
    click.echo(f"{found['id']} → {leads}{again}")
