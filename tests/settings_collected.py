"""The tests' settings with static files as a deployment has them: collected, and named by hash."""

import os

from tests.settings import *  # noqa: F403

STATIC_ROOT = os.environ["COLLECTED"]
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "chatstream.storage.StaticFiles"},
}
