"""`/password/`: a new password, which signs out every other device."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext

from streams.conf import conf
from streams.exceptions import Invalid, NotAllowed, TooLarge
from streams.models import Attempts, Device
from streams.postgres.database import atomic
from streams.views.negotiation import wants_json
from streams.views.pages import render
from streams.views.parsing import fields
from streams.views.resource import Request, Resource, see_other

from .sign_in import LONGEST_PASSWORD

NAMES = {"old_password": "old", "new_password1": "new", "new_password2": "new"}


class Password(Resource):
    in_person = ("POST",)

    def admit(self, request: HttpRequest) -> None:
        """Raises NotAllowed to people who sign in elsewhere."""
        super().admit(request)
        if not cast(User, request.user).has_usable_password():
            raise NotAllowed(gettext("You have no password here: you sign in elsewhere."))

    def get(self, request: Request) -> HttpResponse:
        return page(request, PasswordChangeForm(request.user))

    def post(self, request: Request) -> HttpResponse:
        given = fields(request, old=str, new=str)
        for name, password in given.items():
            if len(password) > LONGEST_PASSWORD:
                raise TooLarge(gettext("That is too long for a password."), field=name)
        streams, tried = conf(), f"password {request.user.pk}"
        Attempts.allow(tried, streams.sign_ins, streams.sign_in_window)
        form = PasswordChangeForm(request.user, {name: given.get(NAMES[name]) for name in NAMES})
        if form.is_valid():
            change(request, form)
            Attempts.forget(tried)
            if wants_json(request):
                return HttpResponse(status=204)
            messages.success(
                request, gettext("Your password is changed. Every other device is signed out.")
            )
            return see_other(reverse("streams:devices"))
        if not wants_json(request):
            return page(request, form, status=422)
        name, errors = next(iter(form.errors.items()))
        raise Invalid(gettext(" ").join(map(str, errors)), field=NAMES[name])


@atomic
def change(request: Request, form: PasswordChangeForm) -> None:
    Device.revoke_all_of(request.user.pk, but=request.device)
    form.save()
    update_session_auth_hash(request, request.user)


def page(request: Request, form: PasswordChangeForm, status: int = 200) -> HttpResponse:
    errors = [
        str(error)
        for name in ("old_password", "new_password2", "new_password1")
        for error in form.errors.get(name, [])
    ]
    return render(request, "chatstream/password.html", {"errors": errors}, status=status)
