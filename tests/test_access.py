"""The rule of who may act: each of its conditions is tested alone."""

from __future__ import annotations

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.utils import timezone

from streams import access
from tests.factories import DeviceFactory

pytestmark = pytest.mark.django_db
GOOD = "django.contrib.auth.backends.ModelBackend"


def session_of(device):
    return {
        SESSION_KEY: str(device.user_id),
        BACKEND_SESSION_KEY: GOOD,
        HASH_SESSION_KEY: device.user.get_session_auth_hash(),
        access.DEVICE_SESSION_KEY: device.pk,
        access.SIGN_OUTS_SESSION_KEY: device.sign_outs,
    }


def test_a_session_of_this_user_on_this_device_is_let_in(laptop):
    assert access.admits(session_of(laptop), laptop.user, laptop)


@pytest.mark.parametrize(
    "change",
    [
        {SESSION_KEY: "0"}, {SESSION_KEY: None}, {BACKEND_SESSION_KEY: ""},
        {BACKEND_SESSION_KEY: None}, {HASH_SESSION_KEY: ""}, {HASH_SESSION_KEY: "x"},
        {access.DEVICE_SESSION_KEY: 0}, {access.DEVICE_SESSION_KEY: None},
        {access.SIGN_OUTS_SESSION_KEY: 7},
    ],
    ids=str,
)  # fmt: skip
def test_a_session_that_says_anything_else_is_not(laptop, change):
    assert not access.admits(session_of(laptop) | change, laptop.user, laptop)


def test_someone_elses_device_is_not_whatever_the_session_says(laptop, bert):
    theirs = DeviceFactory(user=bert)
    session = session_of(laptop) | {access.DEVICE_SESSION_KEY: theirs.pk}
    assert not access.admits(session, laptop.user, theirs)


def test_a_user_or_a_device_that_was_thrown_out_is_not(laptop):
    laptop.user.is_active = False
    assert not access.admits(session_of(laptop), laptop.user, laptop)
    laptop.user.is_active = True
    laptop.revoked_at = timezone.now()
    assert not access.admits(session_of(laptop), laptop.user, laptop)
