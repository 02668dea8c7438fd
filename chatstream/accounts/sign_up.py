"""`/sign-up/`, where the site lets anybody in, and `/invitation/<token>/`: a new account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.forms import BaseUserCreationForm, UserCreationForm
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import resolve_url
from django.utils.translation import gettext

from chatstream.models import Invitation
from streams.conf import conf
from streams.exceptions import Invalid, NotAllowed
from streams.http.client_address import network
from streams.models import Attempts
from streams.postgres.database import atomic
from streams.views.endpoint import Endpoint
from streams.views.negotiation import wants_json
from streams.views.pages import render
from streams.views.parsing import fields
from streams.views.resource import see_other

from .sign_in import check_lengths


class NewPerson(UserCreationForm):  # type: ignore[type-arg]
    """Django's own rules for names and passwords; the password is typed once, and can be seen."""

    class Meta(BaseUserCreationForm.Meta):
        model = get_user_model()


class SignUp(Endpoint):
    in_person = ("POST",)

    def get(self, request: HttpRequest, token: str = "") -> HttpResponse:
        if request.user.is_authenticated:
            return see_other(resolve_url(settings.LOGIN_REDIRECT_URL))
        self.check_open(token)
        return page(request, NewPerson())

    def post(self, request: HttpRequest, token: str = "") -> HttpResponse:
        given = fields(request, username=str, password=str)
        if request.user.is_authenticated:
            raise NotAllowed(gettext("You are signed in here already. Sign out first."))
        check_lengths(given)
        count_attempt(request)
        self.check_open(token)
        form = form_of(given)
        if form.is_valid() and self.welcomed(request, form, token):
            if wants_json(request):
                return JsonResponse({"username": request.user.get_username()}, status=201)
            return see_other(resolve_url(settings.LOGIN_REDIRECT_URL))
        if not wants_json(request):
            return page(request, form, status=422)
        name, errors = next(iter(form.errors.items()))
        field = "username" if name == "username" else "password"
        raise Invalid(gettext(" ").join(map(str, errors)), field=field)

    def check_open(self, token: str) -> None:
        """Raises NotAllowed."""
        if not settings.SIGN_UP:
            raise NotAllowed(gettext("Nobody can sign up here without an invitation."))

    def welcomed(self, request: HttpRequest, form: NewPerson, token: str) -> bool:
        """Makes the account and signs it in; False if somebody else took the name just now."""
        try:
            person = self.welcome(form, token)
        except IntegrityError:
            form.add_error("username", gettext("A user with that username already exists."))
            return False
        login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
        return True

    def welcome(self, form: NewPerson, token: str) -> User:
        """Makes the account. Raises IntegrityError."""
        person: User = form.save()
        return person


class Invited(SignUp):
    def check_open(self, token: str) -> None:
        """Raises NotFound for an invitation that was used or has expired."""
        Invitation.by_token(token)

    @atomic
    def welcome(self, form: NewPerson, token: str) -> User:
        # Locked first, or two at the same moment would both come.
        invitation = Invitation.by_token(token, lock=True)
        person = super().welcome(form, token)
        invitation.accept(person)
        return person


def count_attempt(request: HttpRequest) -> None:
    """Raises TooManyAttempts: names that are taken can be found out here, and links guessed."""
    streams, address = conf(), network(request.META.get("REMOTE_ADDR", ""))
    Attempts.allow(f"sign-up {address}", streams.sign_ins_per_address, streams.sign_in_window)


def form_of(given: dict[str, Any]) -> NewPerson:
    password = given.get("password", "")
    name = given.get("username", "")
    return NewPerson({"username": name, "password1": password, "password2": password})


def page(request: HttpRequest, form: NewPerson, status: int = 200) -> HttpResponse:
    errors = {name: [str(each) for each in found] for name, found in form.errors.items()}
    passwords = errors.get("password2", []) + errors.get("password1", [])
    context = {
        "username": form.data.get("username", ""),
        "name_errors": errors.get("username", []),
        "password_errors": list(dict.fromkeys(passwords)),
    }
    return render(request, "chatstream/sign_up.html", context, status=status)
