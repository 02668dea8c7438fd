"""Behind a real PgBouncer in transaction mode: no notification gets through, nothing is lost."""

from __future__ import annotations

import pwd
import socket
import subprocess
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from streams import log
from streams.log import transcript
from tests.client import Client
from tests.factories import ConversationFactory
from tests.processes import Process, Web, WorkerProcess, debian_program, eventually

pytestmark = pytest.mark.django_db(transaction=True)

ENDS = {"scripted:count-200@200": "run.completed", "scripted:count-9000@50": "run.cancelled"}
CONFIGURED = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
user = {user}
"""


@pytest.fixture
def pooled(transactional_db, tmp_path):
    """The environment of a process whose database is behind the pool."""
    found = debian_program("pgbouncer")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    known = connection.get_connection_params()
    # The embedded server's folder is closed to PgBouncer's user but for who stands in it already.
    host = known.get("host") or "127.0.0.1"
    inside = host if Path(host).is_absolute() else None
    known |= {"host": "/proc/self/cwd" if inside else host}
    names = ("host", "port", "user", "password")
    server = " ".join(f"{name}={known[name]}" for name in names if known.get(name))
    config = tmp_path / "pgbouncer.ini"
    config.write_text(CONFIGURED.format(server=server, port=port, user=owner(inside)))
    bouncer = subprocess.Popen([found, "--quiet", config], cwd=inside)
    try:
        eventually(lambda: is_there(port))
        yield {
            "DATABASE_URL": f"postgresql://any:one@127.0.0.1:{port}/{known['dbname']}",
            "DATABASE_POOLER": "1",
        }
    finally:
        bouncer.terminate()
        bouncer.wait(10)


def owner(host):
    """The user who may reach the server's socket; PgBouncer refuses to run as root."""
    place = Path(host or "")
    return pwd.getpwuid(place.stat().st_uid).pw_name if place.is_absolute() else "nobody"


def is_there(port):
    with socket.socket() as end:
        return end.connect_ex(("127.0.0.1", port)) == 0


async def test_answers_are_whole_and_a_stop_is_heard(pooled, spawn, anna, laptop):
    web, worker = spawn(Web, **pooled), spawn(WorkerProcess, **pooled)
    client = await Client.of(laptop)
    for model, end in ENDS.items():
        conversation = await sync_to_async(ConversationFactory)(owner=anna, model=model)
        _, run, _ = await sync_to_async(conversation.post)("Count", laptop)
        reader, begun = Client(client.cookies), False
        async for event in reader.read(web.url, f"/c/{conversation.uuid}/events"):
            if event.event == end:
                break
            if event.event == "block.delta" and end == "run.cancelled" and not begun:
                begun = True
                assert (await client.post(web.url, f"/runs/{run.uuid}/cancel")).is_success
        rows = await sync_to_async(log.rows_after)(conversation.pk)
        assert transcript.fold(rows).as_dict() == reader.transcript.as_dict()
    said = worker.output + web.output
    assert "prepared statement" not in said
    assert "LISTEN" not in said, "nothing tries to hear what cannot be heard"


def test_a_check_says_that_nothing_is_heard(pooled, spawn):
    checked = spawn(Process, "manage.py", "check", "--database", "default", **pooled)
    checked.wait_for("streams.W002")
