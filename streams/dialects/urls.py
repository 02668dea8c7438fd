"""The addresses of other protocols; each one's page in the docs says which clients ask there."""

from __future__ import annotations

from django.urls import path

from .ag_ui import views as ag_ui
from .ai_sdk import views as ai_sdk
from .openai_chat import views as chat
from .openai_responses import conversations
from .openai_responses import views as responses

urlpatterns = [
    path("api/chat", ai_sdk.Post.as_view(), name="ai-sdk-post"),
    path("api/chat/<path:name>/stream", ai_sdk.Resume.as_view(), name="ai-sdk-resume"),
    path("api/chat/<path:name>/stop", ai_sdk.Stop.as_view(), name="ai-sdk-stop"),
    path("api/chat/<path:name>", ai_sdk.Chat.as_view(), name="ai-sdk-chat"),
    path("ag-ui", ag_ui.Agent.as_view(), name="ag-ui"),
    path("ag-ui/<path:name>/cancel", ag_ui.Cancel.as_view(), name="ag-ui-cancel"),
    path("v1/responses", responses.Responses.as_view(), name="openai-responses"),
    path("v1/responses/<str:id>", responses.OneResponse.as_view(), name="openai-response"),
    path("v1/responses/<str:id>/cancel", responses.CancelResponse.as_view(), name="openai-cancel"),
    path("v1/responses/<str:id>/input_items", responses.InputItems.as_view(), name="openai-input"),
    path("v1/conversations", conversations.Conversations.as_view(), name="openai-conversations"),
    path(
        "v1/conversations/<str:id>",
        conversations.OneConversation.as_view(),
        name="openai-conversation",
    ),
    path("v1/conversations/<str:id>/items", conversations.Items.as_view(), name="openai-items"),
    path(
        "v1/conversations/<str:id>/items/<str:item>",
        conversations.OneItem.as_view(),
        name="openai-item",
    ),
    path("v1/chat/completions", chat.ChatCompletions.as_view(), name="openai-chat"),
    path("v1/models", responses.Models.as_view(), name="openai-models"),
    path("v1/models/<path:name>", responses.OneModel.as_view(), name="openai-model"),
]
