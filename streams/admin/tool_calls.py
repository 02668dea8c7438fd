"""The calls of a run's tools: what became of each, and the decision where one waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext

from streams.exceptions import StreamsError
from streams.models import Run, ToolCall

from .base import Admin, pill, span
from .state_words import worded

if TYPE_CHECKING:
    Base = Admin
else:
    Base = object

SHOWN = 2000  # characters of arguments and results


class DecidesCalls(Base):
    """A mixin for the admin of runs: the view that decides about a call that waits."""

    def decide_view(self, request: HttpRequest, object_id: str, call: UUID) -> HttpResponse:
        """Decides in the owner's place. Only the first decision of a call counts."""
        if not request.user.has_perm("streams.change_run"):
            raise PermissionDenied
        found = ToolCall.objects.filter(uuid=call, run__pk=unquote(object_id)).first()
        if found is None:
            raise Http404
        decision = request.POST.get("decision", "")
        try:
            found.decide(decision, getattr(request, "device", None))
        except StreamsError as error:
            messages.error(request, f"{found}: {error.message}")
        else:
            self.log_change(request, found.run, f"{decision.capitalize()} {found}.")
            done = gettext("Approved.") if found.decision == "approved" else gettext("Denied.")
            messages.success(request, done)
        return HttpResponseRedirect(reverse("admin:streams_run_change", args=[found.run_id]))


def call_rows(run: Run) -> list[dict[str, Any]]:
    """Returns what the run's page shows of its calls, in order."""
    return [
        {
            "call": call,
            "state": pill(call.status, by(call)),
            "took": span(call.ms / 1000 if call.ms is not None else None),
            "arguments": shortened(call.arguments),
            "result": shortened(call.result),
        }
        for call in run.calls.all()
    ]


def by(call: ToolCall) -> str:
    """Says who decided, and what they wrote."""
    if not call.decision:
        return ""
    name = call.device["name"] if call.device else gettext("somebody")
    known = {"decision": worded(call.decision), "name": name}
    return gettext("%(decision)s by %(name)s") % known + (f": {call.note}" if call.note else "")


def shortened(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"
