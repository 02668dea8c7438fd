"""The addresses of a small site that has added the app: pages of its own, and ours below a path."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth import get_user_model
from django.contrib.auth.views import LogoutView
from django.db import OperationalError
from django.http import HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path


def own(request, **kwargs):
    return HttpResponse("The site's own")


class ByToken:
    """The site's own way of knowing a program: a token, and no session."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if name := request.headers.get("X-Token"):
            request.user = get_user_model().objects.get(username=name)
        return self.get_response(request)


def invoice(request, id):
    page = Template("{% load streams %}Invoice 7 {% chat id %}")
    return HttpResponse(page.render(RequestContext(request, {"id": id})))


def by_token(request):
    """Returns the user who asks, as `STREAMS["authenticate"]` does."""
    scheme, _, name = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer":
        return get_user_model().objects.filter(username=name).first()
    return None


def in_trouble(request):
    raise LookupError("a secret")


def database_away(request):
    raise OperationalError("a secret")


def by_name_alone(request):
    return "anna"


def broken(request):
    raise ZeroDivisionError


urlpatterns = [
    path("", own),
    path("broken/", broken),
    path("news/events", own),
    path("invoice/<str:id>/", invoice),
    path("enter/", own, name="login"),
    path("leave/", LogoutView.as_view(next_page="/"), name="logout"),
    path("portal/assistant/", include("streams.urls")),
    *i18n_patterns(path("spoken/", include(("streams.urls", "streams"), namespace="spoken"))),
]
