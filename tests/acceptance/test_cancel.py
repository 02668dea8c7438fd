"""A stop reaches the provider's socket, from a POST to another process."""

from __future__ import annotations

import asyncio
import statistics

import pytest
from asgiref.sync import sync_to_async

from streams.models import Event, Run
from tests.client import Client
from tests.processes import Web, WorkerProcess
from tests.providers.vendor import Then, Vendor
from tests.providers.vendor_streams import bare
from tests.worker.test_process import until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_provider_sees_its_connection_closed_within_a_quarter_second(
    spawn, conversation, laptop, phone, capsys
):
    loop = asyncio.get_running_loop()
    delays = []
    async with Vendor() as vendor:
        vendor.says(bare({"choices": [{"index": 0, "delta": {"content": "Once"}}]}), Then.SILENCE)
        web = spawn(Web)
        spawn(WorkerProcess, OPENAI_CHAT_BASE_URL=f"{vendor.url}/v1", OPENAI_CHAT_API_KEY="k")
        client = await Client.of(phone)
        await sync_to_async(conversation.change)(laptop, model="openai-chat:any")
        await sync_to_async(conversation.refresh_from_db)()
        for _ in range(20):
            vendor.quiet.clear()
            vendor.left.clear()
            run = (await sync_to_async(conversation.post)("Go on", laptop))[1]
            await asyncio.wait_for(vendor.quiet.wait(), 10)
            asked = loop.time()
            answer = await client.post(web.url, f"/runs/{run.uuid}/cancel")
            assert answer.status_code in (202, 200), "being stopped, or stopped by now"
            await asyncio.wait_for(vendor.left.wait(), 10)
            delays.append((vendor.left_at - asked) * 1000)
            await until(lambda run=run: is_cancelled(run))
    with capsys.disabled():
        print(
            f"\ncancel to closed socket: median {statistics.median(delays):.0f} ms,"
            f" longest {max(delays):.0f} ms"
        )
    assert statistics.median(delays) < 250


@sync_to_async
def is_cancelled(run):
    terminal = Event.objects.filter(run_id=run.pk, type__in=Event.TERMINAL)
    now = Run.objects.get(pk=run.pk)
    return now.status == "cancelled" and terminal.count() == 1
