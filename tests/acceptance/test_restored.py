"""After a backup is restored in any way, no client continues from events that are no longer
there.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess

from tests.processes import Process, Web

from .chaos.device import Device
from .chaos.people import populate
from .chaos.postgres import Postgres

KNOWN = {"STREAMS": json.dumps({"stream_rescan": 0.3, "ping": 1.0})}


class Reader(Device):
    """Remembers each epoch it is told."""

    def _unnumbered(self, type, data):
        if type == "sync" and (not self.epochs or data["epoch"] != self.epochs[-1]):
            self.epochs.append(data["epoch"])
        self.counts[type] += 1


async def test_readers_begin_anew(migrated):
    async with Postgres(migrated) as postgres:
        [person] = await populate(postgres.url, 4)
        web = await asyncio.to_thread(Web, DATABASE_URL=postgres.url, **KNOWN)
        port = int(web.url.rpartition(":")[2])
        reader = Reader(1, person["cookies"][0], person["conversations"][0], [port])
        reader.calm, reader.epochs = True, []
        reading = asyncio.create_task(reader.live())
        try:
            await until(lambda: len(reader.epochs) == 1)
            for nth, way in enumerate((unchanged, pg_restore, put_back, restored), 1):
                await way(postgres)
                if way is unchanged:
                    pings = reader.counts["ping"]
                    await until(lambda pings=pings: reader.counts["ping"] > pings + 3)
                else:
                    await until(lambda nth=nth: len(reader.epochs) == nth)
                assert len(reader.epochs) == nth, way.__name__
            assert len(set(reader.epochs)) == 4
        finally:
            reading.cancel()
            web.kill()


async def unchanged(postgres):
    """A crash is no other life."""
    await later(postgres)
    await postgres.restart("immediate")


async def pg_restore(postgres):
    """Into the same database, while the web process stays."""
    dump = postgres.folder / "dump"
    tool(postgres, "pg_dump", "--format=custom", f"--file={dump}")
    await later(postgres)
    tool(postgres, "pg_restore", "--clean", "--if-exists", str(dump))


async def put_back(postgres):
    """The disk as it was some time ago."""
    await postgres.stop("fast")
    data = postgres.server.pgdata
    then = data.with_name("then")
    await asyncio.to_thread(subprocess.run, ["cp", "-a", data, then], check=True)
    await postgres.start()
    await later(postgres)
    await asyncio.sleep(1)  # so long that the web process has looked
    await postgres.stop("fast")
    shutil.rmtree(data)
    then.rename(data)
    await postgres.start()


async def restored(postgres):
    done = Process("manage.py", "restored", DATABASE_URL=postgres.url)
    assert await asyncio.to_thread(done.popen.wait, 60) == 0, done.output


async def later(postgres):
    """Writes what is lost when the backup is put back."""
    await postgres.query(
        "UPDATE streams_conversation SET system = repeat('x', 100000) RETURNING id"
    )


def tool(postgres, name, *arguments):
    program = postgres.server.bin_path / name
    subprocess.run([program, f"--dbname={postgres.url}", *arguments], check=True)


async def until(check, within=60):
    async with asyncio.timeout(within):
        while not check():
            await asyncio.sleep(0.05)
