from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from .accounts.sign_in import admin_sign_in


class Icon(RedirectView):
    """Answers browsers that ask for `/favicon.ico` on pages that name no icon, such as
    the admin's.
    """

    def get_redirect_url(self, *args: object, **kwargs: object) -> str:
        return static("streams/icon.svg")


# The list of runs needs its room; the way to the other lists is the page's own path.
admin.site.enable_nav_sidebar = False

urlpatterns = [
    path("favicon.ico", Icon.as_view()),
    path("admin/login/", admin_sign_in),
    # One place changes a password, and signs the other devices out.
    path("admin/password_change/", RedirectView.as_view(pattern_name="password_change")),
    path("admin/", admin.site.urls),
    path("", include("chatstream.accounts.urls")),
    path("", include("streams.urls")),
]

handler400 = "chatstream.errors.bad_request"
handler500 = "chatstream.errors.server_error"
