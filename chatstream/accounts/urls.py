"""Signing in and out and a new password, under the names Django gives such pages."""

from django.urls import path

from .password import Password
from .sign_in import SignIn, SignOut

urlpatterns = [
    path("sign-in/", SignIn.as_view(), name="login"),
    path("sign-out/", SignOut.as_view(), name="logout"),
    path("password/", Password.as_view(), name="password_change"),
]
