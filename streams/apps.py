from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class StreamsConfig(AppConfig):
    name = "streams"
    verbose_name = gettext_lazy("Conversations")
    default_auto_field = "django.db.models.BigAutoField"  # whatever the site's own models have

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_out

        from . import checks, database_checks  # noqa: F401
        from .postgres.contrib_postgres import leave_out_the_check
        from .sign_outs import end_device

        leave_out_the_check(self.get_models())
        user_logged_out.connect(end_device, dispatch_uid="streams.sign_outs")
