from django.apps import AppConfig


class StreamsConfig(AppConfig):
    name = "streams"
    verbose_name = "Conversations"

    def ready(self) -> None:
        from . import checks  # noqa: F401
