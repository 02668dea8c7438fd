"""The view at an address is found before Django's handler looks for it."""

from __future__ import annotations

from uuid import uuid4

from django.test import override_settings

from streams.early_routing import stream_at, view_at
from streams.views.messages import Messages


def test_each_address_has_its_own_uuid_whatever_was_asked_before():
    for uuid in (str(uuid4()), str(uuid4())):
        respond, found = stream_at(f"/c/{uuid}/events")
        assert found == uuid
        assert callable(respond)
        assert view_at(f"/c/{uuid}/messages") == (Messages, uuid)


def test_what_is_no_address_of_ours_is_none_with_a_uuid_or_without():
    uuid = str(uuid4())
    assert stream_at(f"/x/{uuid}/events") is None
    assert stream_at(f"/c/{uuid.upper()}/events") is None
    assert stream_at(f"/c/{uuid}/{uuid}/events") is None
    assert view_at("/c/" + "x" * 600) == (None, "")


def test_another_tree_of_addresses_is_another_answer():
    uuid = str(uuid4())
    assert stream_at(f"/c/{uuid}/events")
    with override_settings(ROOT_URLCONF="streams.dialects.urls"):
        assert stream_at(f"/c/{uuid}/events") is None
    assert stream_at(f"/c/{uuid}/events")
