"""`andon listen`: take alert webhooks and hand them to the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli.opening import start_if_none
from console.cli.session import FILE, Command, Session

if TYPE_CHECKING:
    from console.service.door import Door, Secret

VARIABLE = "ANDON_LISTEN_TOKEN"
TAKE_SECONDS = 20.0


@click.command(cls=Command, short_help="Take alert webhooks and hand them to the daemon.")
@click.option("--address", default="127.0.0.1:9097", show_default=True, metavar="HOST:PORT", help="Where to listen.")
@click.option(
    "--token-env", default=VARIABLE, show_default=True, metavar="NAME", help="The variable that holds the secret."
)
@click.option("--token-file", type=FILE, help="A file, readable for its owner alone, that holds it instead.")
@click.option("--username", default="", help="Take the secret as the password of this user, not as a bearer token.")
@click.option("--cert", type=FILE, help="Our certificate: listen by TLS.")
@click.option("--key", type=FILE, help="And its key, where that is another file.")
@click.option(
    "--client-ca", type=FILE, help="Let in who has a certificate of this authority; no secret is needed then."
)
@click.pass_obj
def listen(
    session: Session,
    address: str,
    token_env: str,
    token_file: Path | None,
    username: str,
    cert: Path | None,
    key: Path | None,
    client_ca: Path | None,
) -> None:
    """Take alert webhooks (version 4: the shape that alert managers and dashboards share), until Ctrl-C.

    What was taken is on the daemon's disk before the sender hears 200; where it is not, the sender hears 503 and tries
    again. A daemon is started where none runs.
    """
    session.refuse_if_locked()
    from console.service.door import Door, parse_address, tls_context

    if cert is None and (key is not None or client_ca is not None):
        raise click.UsageError("--key and --client-ca need --cert")
    tls = tls_context(str(cert), str(key) if key else None, str(client_ca) if client_ca else None) if cert else None
    door = Door(*parse_address(address), _secret(token_env, token_file, username), tls)
    start_if_none(session)
    asyncio.run(_listen(session, door, token_file, username))


def _secret(variable: str, path: Path | None, username: str) -> Secret | None:
    from console.service.door import Secret
    from console.sources.site import secret_file

    text = secret_file("listen", str(path)) if path is not None else os.environ.get(variable, "").strip()
    return Secret(text, username) if text else None


def _take(session: Session) -> Callable[[list[Any], int], Any]:
    from console.service.listening import SENDER

    client = session.client

    def take(alerts: list[Any], truncated: int) -> Any:
        return client.request("alert.take", timeout=TAKE_SECONDS, sender=SENDER, alerts=alerts, truncated=truncated)

    return take


async def _listen(session: Session, door: Door, token_file: Path | None, username: str) -> None:
    from console.service.listening import Receiver

    receiver = Receiver(door, _take(session))
    await receiver.start()
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(number: signal.Signals) -> None:
        if not ended.done():
            ended.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    if door.is_open_to_listeners:
        click.echo("andon: the secret travels readable: give --cert, or put TLS before this", err=True)
    click.echo(f"listening on {receiver.url}; let your alert manager send there:\n", err=True)
    session.emit(snippet(receiver.url, token_file, username, has_secret=door.secret is not None))
    try:
        by = await ended
    finally:
        await receiver.close()
    if by == signal.SIGINT:
        raise KeyboardInterrupt


def snippet(url: str, token_file: Path | None, username: str, *, has_secret: bool) -> str:
    """What an alert manager is to be told, in the YAML that it reads."""
    path = token_file.absolute() if token_file else "/etc/andon/listen.token"
    if not has_secret:
        way_in = ["      tls_config: {cert_file: /etc/andon/sender.crt, key_file: /etc/andon/sender.key}"]
    elif username:
        way_in = [f"      basic_auth: {{username: {username}, password_file: {path}}}"]
    else:
        way_in = [f"      authorization: {{credentials_file: {path}}}"]
    return "\n".join(
        [
            "receivers:",
            "- name: andon",
            "  webhook_configs:",
            f"  - url: {url}",
            "    send_resolved: true",
            "    max_alerts: 5000",
            "    http_config:",
            *way_in,
            "route: {receiver: andon, group_wait: 10s}",
        ]
    )
