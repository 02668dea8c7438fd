from __future__ import annotations

from django.contrib.staticfiles.apps import StaticFilesConfig


class Collected(StaticFilesConfig):
    """Django's app of static files, without those that no page loads: the other half of the package
    that brings Swagger UI.
    """

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "redoc", "*-standalone-preset*"]
