"""Another site's settings: its people have e-mail addresses and UUIDs, and live in a database of
their own, with the conversations. What else the site keeps is where nothing of ours may look."""

from tests.settings import *  # noqa: F403

INSTALLED_APPS = [each for each in INSTALLED_APPS if each != "chatstream"]  # noqa: F405
INSTALLED_APPS += ["tests.custom_user_site"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
AUTH_USER_MODEL = "custom_user_site.Account"
ROOT_URLCONF = "tests.custom_user_site.urls"
LOGIN_URL = "/accounts/login/"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "people": DATABASES["default"]  # noqa: F405
    | {"ATOMIC_REQUESTS": True, "TEST": {"NAME": "test_foreign_site", "DEPENDENCIES": []}},
}
DATABASE_ROUTERS = ["tests.custom_user_site.routers.People"]
