"""Accounts: signing up, in and out, and a new password; under Django's names where it has them."""

from django.conf import settings
from django.urls import include, path

from .password import Password
from .sign_in import SignIn, SignOut
from .sign_up import Invited, SignUp

single_sign_on = (
    [path("sso/", include("chatstream.accounts.single_sign_on_urls"))] if settings.SSO else []
)
urlpatterns = [
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-up/", SignUp.as_view(), name="sign_up"),
    path("invitation/<str:token>/", Invited.as_view(), name="invitation"),
    path("sign-out/", SignOut.as_view(), name="logout"),
    path("password/", Password.as_view(), name="password_change"),
    *single_sign_on,
]
