"""``nbfaas test PATH``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from nbfaas.pipeline.testing import EventResult, Subject

_MOST_OUTPUT = 40  # lines of a failed event's output


@click.command("test")
@click.argument("place", metavar="FOLDER | FILE.py:FUNCTION | MODULE:FUNCTION")
@click.option(
    "--events",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The folder of saved events; the export's, or that of the project (.nbfaas/events).",
)
@click.option(
    "--event", "names", multiple=True, metavar="NAME", help="Only this event; repeatable."
)
@click.option(
    "--backend",
    type=click.Choice(("docker", "process")),
    default="docker",
    help="Where it is run: in containers, or in a process, which does not isolate.",
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write XML for CI.")
@click.option("--update", is_flag=True, help="Write what comes of the events as what is expected.")
@click.pass_context
def command(
    context: click.Context,
    place: str,
    events: Path | None,
    names: tuple[str, ...],
    backend: str,
    junit: Path | None,
    update: bool,
) -> None:
    """Run saved events through a function and compare what comes of them with what is expected.

    Ends with 0 if all is as expected, 1 if it is not, 2 if the function could not be tested.
    """
    from nbfaas.errors import BackendUnavailable, NbfaasError
    from nbfaas.pipeline.junit import junit_xml
    from nbfaas.pipeline.testing import run_saved_events

    def begun(subject: Subject, count: int) -> None:
        plural = "" if count == 1 else "s"
        click.echo(f"{subject.shown}: {count} event{plural}, {backend}")

    try:
        report = run_saved_events(
            place,
            events=events,
            names=names,
            backend=backend,
            update=update,
            show=lambda progress: click.echo(str(progress), err=True),
            begun=begun,
            told=_tell,
        )
        if junit is not None:
            junit.write_bytes(junit_xml(report))
    except (NbfaasError, OSError) as error:
        without = " --backend process needs no Docker, and does not isolate."
        hint = without if isinstance(error, BackendUnavailable) else ""
        click.echo(f"Error: {error}{hint}", err=True)
        context.exit(2)
    failed = sum(not each.passed for each in report.results)
    others = f"; events that do not concern it: {report.others}" if report.others else ""
    click.echo(f"{len(report.results) - failed} ok, {failed} failed{others}")
    context.exit(1 if failed else 0)


def _tell(result: EventResult) -> None:
    from nbfaas.agent.units import format_seconds

    state = "recorded" if result.recorded else "ok" if result.passed else "FAILED"
    what = ", ".join(result.triggers) or "no trigger takes it"
    what += f", {format_seconds(result.seconds)}" if result.run else ": not run"
    click.echo(f"  {state:<8}  {result.name}  ({what})")
    for line in (*result.shortfalls, *filter(None, [result.note])):
        click.echo(f"            {line}")
    if not result.passed and result.output:
        lines = result.output.rstrip().splitlines()
        for line in lines[-_MOST_OUTPUT:]:
            click.echo(f"            | {line}")
