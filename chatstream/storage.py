"""Static files as they are deployed, and as they are developed; and files that people attach."""

from django.conf import settings
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.storage import FileSystemStorage
from django.urls import get_script_prefix
from whitenoise.storage import CompressedManifestStaticFilesStorage


class BelowPrefix:
    """Their address is below the script name, which the server may tell with each request alone;
    Django's own setting keeps whatever it was asked with first."""

    @property
    def base_url(self) -> str:
        url = str(settings.STATIC_URL)
        return get_script_prefix().rstrip("/") + url if url.startswith("/") else url


class PlainStaticFiles(BelowPrefix, StaticFilesStorage):
    pass


class StaticFiles(BelowPrefix, CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Names carry a hash of what is inside, in the imports between our modules too: right
    after a deploy a page must not mix old modules with new ones."""

    support_js_module_import_aggregation = True


class Private(FileSystemStorage):
    """A folder that no web server serves: its files are for who may read the conversation."""

    def __init__(self, location: str) -> None:
        super().__init__(location, file_permissions_mode=0o600, directory_permissions_mode=0o700)
