"""Devices are told of what nobody looks at, by a push service of our own that decrypts as a browser
does (RFC 8291) and checks who has signed (RFC 8292)."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import urlsafe_b64encode
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address

import aiohttp
import http_ece
import pytest
from asgiref.sync import sync_to_async
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from streams import vapid
from streams.models import Delivery, PushSubscription
from streams.postgres import channels
from streams.postgres.connections import connect
from streams.worker.notifications import notifier, web_push
from tests.views.answers import begin, complete

from ..agent_runs import decide, held_up
from ..in_process_worker import post, status, until, working
from .http_receiver import receiving
from .test_deliveries import due_now, nothing_is_left_to_tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("other_half")]

PRIVATE = "x0BeeyKmZaEH7Kdl9lZGx7gIZHQXXnXS-o8mR-G0MOE"


def base64url(number: bytes) -> str:
    return urlsafe_b64encode(number).decode().rstrip("=")


class Browser:
    """The keys of one subscription, and what is encrypted for them."""

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"sixteen bytes it"
        self.point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def subscribed(self, device, endpoint):
        return PushSubscription.objects.create(
            device=device,
            endpoint=endpoint,
            p256dh=base64url(self.point),
            auth=base64url(self.auth),
        )

    def read(self, received):
        assert received.headers["Content-Encoding"] == "aes128gcm"
        assert Vapid02.verify(received.headers["Authorization"])
        plain = http_ece.decrypt(received.body, private_key=self.key, auth_secret=self.auth)
        return json.loads(plain)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "push.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path_factory.mktemp("push") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def set_up(settings):
    push = {"private_key": PRIVATE, "subject": "mailto:us@example.com"}
    settings.STREAMS = {**settings.STREAMS, "push": push}


@pytest.fixture
def service(set_up, certificate, monkeypatch):
    """A push service, and workers that may reach this machine and trust it."""

    @asynccontextmanager
    async def there(*statuses):
        here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        here.load_cert_chain(certificate)
        trusting = ssl.create_default_context(cafile=certificate)
        connector = partial(aiohttp.TCPConnector, ssl=trusting)
        monkeypatch.setattr(notifier, "public_connector", connector)
        async with receiving(here) as receiver:
            receiver.statuses += statuses
            yield receiver

    return there


@asynccontextmanager
async def looking(conversation, device, leaving=False):
    """A web process that answers a roll call with one device."""

    beat = {
        "conversation_id": conversation.pk, "device": str(device.uuid), "name": "x",
        "kind": "phone", "leaving": leaving,
    }  # fmt: skip

    async def answer():
        async with await connect("hub") as hub, await connect("voice") as voice:
            await hub.execute(f"LISTEN {channels.PRESENCE}")
            listening.set()
            async for heard in hub.notifies():
                if heard.payload == channels.ROLL_CALL:
                    await voice.execute(
                        "SELECT pg_notify(%s, %s)", [channels.PRESENCE, json.dumps([beat])]
                    )

    listening = asyncio.Event()
    answering = asyncio.create_task(answer())
    await listening.wait()
    try:
        yield
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def test_a_device_is_told_of_an_end_and_again_by_the_same_topic_where_that_failed(
    conversation, laptop, phone, service
):
    browser = Browser()
    run = await post(conversation, laptop, "A secret question")
    await sync_to_async(end)(run)
    async with service(503) as receiver:
        await sync_to_async(browser.subscribed)(phone, f"{receiver.url}/for-phone")
        async with working():
            await until(lambda: has(receiver.got, 1))
            await until(tried)
            await due_now()
            await until(nothing_is_left_to_tell)

    first, again = receiver.got
    told = browser.read(again)
    assert browser.read(first) == told
    assert told["status"] == "completed"
    assert told["conversation"] == str(conversation.uuid)
    assert "secret" not in json.dumps(told)
    assert first.headers["Topic"] == again.headers["Topic"] == run.uuid.hex
    assert int(again.headers["TTL"]) > 0


async def test_nobody_is_told_of_what_one_of_their_devices_looks_at(
    conversation, laptop, phone, service
):
    await sync_to_async(end)(await post(conversation, laptop))
    async with service() as receiver:
        await sync_to_async(Browser().subscribed)(phone, f"{receiver.url}/for-phone")
        async with looking(conversation, laptop), working():
            await until(nothing_is_left_to_tell)
        assert receiver.got == []

        await sync_to_async(end)(await post(conversation, laptop))
        async with looking(conversation, laptop, leaving=True), working():
            await until(nothing_is_left_to_tell)
        assert len(receiver.got) == 1


async def test_a_run_that_waits_is_told_and_a_subscription_that_has_gone_is_forgotten(
    working_on, laptop, phone, script, service
):
    browser = Browser()
    async with service(201, 410) as receiver:
        await sync_to_async(browser.subscribed)(phone, f"{receiver.url}/for-phone")
        async with working():
            run = await held_up(script, working_on, laptop, ("pay", "rent"))
            await status(run, "waiting")
            await until(nothing_is_left_to_tell)
            await decide(run, "denied", laptop)
            await status(run, "completed")
            await until(nothing_is_left_to_tell)

    assert [browser.read(each)["status"] for each in receiver.got] == ["waiting", "completed"]
    assert receiver.got[0].headers["Urgency"] == "high"
    assert not await PushSubscription.objects.aexists()


@pytest.mark.parametrize("person", ["signed out", "deactivated"])
async def test_a_device_that_is_signed_out_is_told_nothing(
    person, anna, conversation, laptop, phone, service
):
    await sync_to_async(end)(await post(conversation, laptop))
    async with service() as receiver:
        await sync_to_async(Browser().subscribed)(phone, f"{receiver.url}/for-phone")
        if person == "signed out":
            await sync_to_async(phone.sign_out)()
        else:
            await type(anna).objects.filter(pk=anna.pk).aupdate(is_active=False)
        async with working():
            await until(nothing_is_left_to_tell)
    assert receiver.got == []


async def test_no_request_goes_to_an_address_of_this_network(certificate):
    async with receiving() as receiver:
        connector = web_push.public_connector()
        async with aiohttp.ClientSession(connector=connector) as session:
            port = receiver.url.rsplit(":", 1)[1]
            for host in ("127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"):
                with pytest.raises((aiohttp.ClientError, OSError)):
                    await session.post(f"http://{host}:{port}/")
    assert receiver.got == []


def test_the_key_that_browsers_are_given_is_that_of_the_signatures(set_up):
    header = vapid.signer(PRIVATE).sign({"aud": "https://a.test", "sub": "mailto:us@example.com"})
    assert f"k={vapid.public_key()}" in header["Authorization"]


def end(run):
    """Answered, by nobody who tells of it."""
    begin(run)
    complete(run)


async def has(got, count):
    return len(got) >= count


@sync_to_async
def tried():
    return Delivery.objects.filter(done=["receivers"]).exists()
