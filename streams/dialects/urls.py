"""The addresses of other protocols; each one's page in the docs says which clients ask there."""

from __future__ import annotations

from django.urls import path

from .ag_ui import views as ag_ui
from .ai_sdk import views as ai_sdk

urlpatterns = [
    path("api/chat", ai_sdk.Post.as_view(), name="ai-sdk-post"),
    path("api/chat/<path:name>/stream", ai_sdk.Resume.as_view(), name="ai-sdk-resume"),
    path("api/chat/<path:name>/stop", ai_sdk.Stop.as_view(), name="ai-sdk-stop"),
    path("api/chat/<path:name>", ai_sdk.Chat.as_view(), name="ai-sdk-chat"),
    path("ag-ui", ag_ui.Agent.as_view(), name="ag-ui"),
    path("ag-ui/<path:name>/cancel", ag_ui.Cancel.as_view(), name="ag-ui-cancel"),
]
