from django.apps import AppConfig


class StreamsConfig(AppConfig):
    name = "streams"
    verbose_name = "Conversations"
    default_auto_field = "django.db.models.BigAutoField"  # whatever the site's own models have

    def ready(self) -> None:
        from . import checks  # noqa: F401
