from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class StaticFiles(ManifestStaticFilesStorage):
    """Names carry a hash, also where one script imports another."""

    support_js_module_import_aggregation = True
    # Each pass settles one more step of a module that imports one that imports one.
    max_post_process_passes = 20
