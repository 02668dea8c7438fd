from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class StaticFiles(ManifestStaticFilesStorage):
    """Names carry a hash, also where one script imports another."""

    support_js_module_import_aggregation = True
