"""Static files as they are deployed, and as they are developed; and files that people attach."""

from typing import Any

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
    # Each pass settles one more step of a module that imports one that imports one.
    max_post_process_passes = 20

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._addresses: dict[tuple[str, str], str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """Remembers the address of each file, since collected files stay as they are and a page
        names a hundred.
        """
        if force:
            return str(super().url(name, force))
        key = self.base_url, name
        if key not in self._addresses:
            self._addresses[key] = super().url(name)
        return self._addresses[key]


class Private(FileSystemStorage):
    """A folder that no web server serves: its files are for who may read the conversation."""

    def __init__(self, location: str) -> None:
        super().__init__(location, file_permissions_mode=0o600, directory_permissions_mode=0o700)
