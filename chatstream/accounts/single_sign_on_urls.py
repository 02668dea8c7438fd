"""Where allauth sends people, under the names it asks for; its other pages are not used."""

from allauth.socialaccount import views
from django.urls import include, path
from django.views.generic import RedirectView

sign_in = RedirectView.as_view(pattern_name="login")
devices = RedirectView.as_view(pattern_name="streams:devices")
urlpatterns = [
    path("login/", sign_in, name="account_login"),
    path("new/", sign_in, name="socialaccount_signup"),
    path("connected/", devices, name="socialaccount_connections"),
    path("cancelled/", views.login_cancelled, name="socialaccount_login_cancelled"),
    path("failed/", views.login_error, name="socialaccount_login_error"),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
