"""`/manifest.webmanifest`: what a phone or computer needs to keep the pages as an app of their own.

The format is W3C's Web Application Manifest.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.views import View

from streams.conf import conf

SIZES = (192, 512)
PAPER = "#fdfcfa"  # as --color-page in the light: behind the icon while the first page loads


# Browsers ask for it without cookies.
@method_decorator(login_not_required, name="dispatch")
class Manifest(View):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest) -> JsonResponse:
        told = {
            "name": conf().brand,
            "lang": get_language(),
            "id": reverse("streams:conversations"),
            "start_url": reverse("streams:conversations"),
            "scope": reverse("streams:home"),
            "display": "standalone",
            "background_color": PAPER,
            "theme_color": PAPER,
            "icons": [
                {"src": static("streams/icon.svg"), "sizes": "any", "type": "image/svg+xml"},
                *(
                    {
                        "src": static(f"streams/icon-{size}.png"),
                        "sizes": f"{size}x{size}",
                        "type": "image/png",
                        "purpose": "any maskable",
                    }
                    for size in SIZES
                ),
            ],
        }
        response = JsonResponse(told, content_type="application/manifest+json")
        response["Cache-Control"] = "no-cache"
        return response
