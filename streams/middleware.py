"""Optional middleware that ends sessions of revoked devices on the site's own pages too."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from .device_cookie import begun, device_of, remember


class DeviceMiddleware:
    """Gives each signed-in request its device, which costs every page one query. A session whose
    device was signed out or revoked ends with whichever page it asks for next; one that begins
    is on the list of devices at once, and not with its first page of ours.

    Stands after AuthenticationMiddleware.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.device = device_of(request)  # type: ignore[attr-defined]
        response = self.get_response(request)
        device = begun(request) or request.device  # type: ignore[attr-defined]
        if device:
            remember(request, response, device)
        return response
