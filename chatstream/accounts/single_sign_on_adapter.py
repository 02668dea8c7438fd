from __future__ import annotations

import logging
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import redirect

logger = logging.getLogger(__name__)


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Decides who of a provider's people gets an account, and logs what a provider refused."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Leaves accounts as they are while somebody is signed in: another page could have led
        their browser here, signed in at the provider as somebody else."""
        if request.user.is_authenticated or sociallogin.state.get("process") != "login":
            raise ImmediateHttpResponse(redirect("streams:devices"))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return bool(settings.SSO_SIGN_UP)

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: Any = None,
    ) -> None:
        logger.warning("sign-in by %s failed: %s %s", provider, error or "", exception or "")
