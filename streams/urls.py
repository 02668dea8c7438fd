from django.urls import path
from django.views.generic import RedirectView

from .dialects.urls import urlpatterns as dialects
from .postgres.database import never_in_a_transaction
from .views.attachments import AttachedFile, Attachments, AttachmentView
from .views.calls import Again, Decision
from .views.conversation import ConversationView, Restore
from .views.conversation_actions import Actions, Export
from .views.conversations import Conversations
from .views.devices import Devices, DeviceView, Revoke, RevokeOthers
from .views.edit import Edit
from .views.manifest import Manifest
from .views.messages import Messages
from .views.openapi import ApiPage, OpenAPI
from .views.pairing import Pair, PairingView
from .views.pairing_join import ByCode, ByLink
from .views.polled_events import ConversationEvents, FeedEvents, Presence, RunEvents
from .views.push import Push, PushScript
from .views.read_mark import Read
from .views.render_markdown import Formatted
from .views.runs import Cancel, Retry, RunView
from .views.search import Search
from .views.share_links import AllShares, Shares, ShareView
from .views.shared_copy import Shared
from .views.usage import Usage

app_name = "streams"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="streams:conversations"), name="home"),
    path("c/", Conversations.as_view(), name="conversations"),
    path("c/search", Search.as_view(), name="search"),
    path("c/events", FeedEvents.as_view(), name="feed"),
    path("c/<uuid:uuid>/", ConversationView.as_view(), name="conversation"),
    path("c/<uuid:uuid>/messages", Messages.as_view(), name="messages"),
    path("c/<uuid:uuid>/messages/<uuid:message>/edit", Edit.as_view(), name="edit"),
    path("c/<uuid:uuid>/read", Read.as_view(), name="read"),
    path("c/<uuid:uuid>/presence", Presence.as_view(), name="presence"),
    path("c/<uuid:uuid>/restore", Restore.as_view(), name="restore"),
    path("c/<uuid:uuid>/actions", Actions.as_view(), name="actions"),
    path("c/<uuid:uuid>/export", Export.as_view(), name="export"),
    path("c/<uuid:uuid>/shares", Shares.as_view(), name="shares"),
    path("c/<uuid:uuid>/events", ConversationEvents.as_view(), name="conversation-events"),
    path("runs/<uuid:uuid>/", RunView.as_view(), name="run"),
    path("runs/<uuid:uuid>/cancel", Cancel.as_view(), name="cancel"),
    path("runs/<uuid:uuid>/retry", Retry.as_view(), name="retry"),
    path("runs/<uuid:uuid>/calls/<uuid:call>/decision", Decision.as_view(), name="decision"),
    path("runs/<uuid:uuid>/calls/<uuid:call>/again", Again.as_view(), name="again"),
    path("runs/<uuid:uuid>/events", RunEvents.as_view(), name="run-events"),
    path("attachments/", Attachments.as_view(), name="attachments"),
    path("attachments/<uuid:uuid>/", AttachmentView.as_view(), name="attachment"),
    path("attachments/<uuid:uuid>/<str:name>", AttachedFile.as_view(), name="attached-file"),
    path("render", Formatted.as_view(), name="render"),
    path("c/<uuid:uuid>/pair", Pair.as_view(), name="open-pairing"),
    path("pair/", ByCode.as_view(), name="pair"),
    path("pair/<uuid:uuid>/", PairingView.as_view(), name="pairing"),
    path("pair/<str:token>/", ByLink.as_view(), name="join"),
    path("shares/", AllShares.as_view(), name="all-shares"),
    path("shares/<uuid:uuid>/", ShareView.as_view(), name="share"),
    path("shared/<str:token>/", Shared.as_view(), name="shared"),
    path("manifest.webmanifest", Manifest.as_view(), name="manifest"),
    path("usage", Usage.as_view(), name="usage"),
    path("devices/", Devices.as_view(), name="devices"),
    path("devices/revoke-others", RevokeOthers.as_view(), name="revoke-others"),
    path("devices/<uuid:uuid>/", DeviceView.as_view(), name="device"),
    path("devices/<uuid:uuid>/revoke", Revoke.as_view(), name="revoke"),
    path("devices/<uuid:uuid>/push", Push.as_view(), name="push"),
    path("devices/push.js", PushScript.as_view(), name="push-script"),
    path("openapi.json", OpenAPI.as_view(), name="openapi"),
    path("openapi/", ApiPage.as_view(), name="api"),
    *dialects,
]

for each in urlpatterns:
    never_in_a_transaction(each.callback)
