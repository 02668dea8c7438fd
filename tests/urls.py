"""The project's addresses, and a page of a site's own with a conversation in it."""

from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.urls import path

from chatstream.urls import handler400, handler500, urlpatterns

__all__ = ["handler400", "handler500", "urlpatterns"]

PAGE = """{% load streams %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Invoice 7</title></head>
<body>
  <header class="bar"><h1>Invoice 7</h1> <a class="button" href="/">Home</a>
    <ul><li class="row">One</li></ul></header>
  <form id="search" class="composer">
    <input name="q" class="note"><button class="send">Search</button>
  </form>
  {% if id %}{% chat id %}{% endif %}
  <footer class="plain"><p>Made by a site</p></footer>
</body></html>"""


def invoice(request: HttpRequest, id: str = "") -> HttpResponse:
    return HttpResponse(Template(PAGE).render(RequestContext(request, {"id": id})))


urlpatterns = [*urlpatterns, path("invoice/", invoice), path("invoice/<str:id>/", invoice)]
