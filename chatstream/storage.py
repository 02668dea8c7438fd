"""Static files as they are deployed."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Names carry a hash of what is inside, in the imports between our modules too: right
    after a deploy a page must not mix old modules with new ones."""

    support_js_module_import_aggregation = True
