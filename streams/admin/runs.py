from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from streams import log
from streams.conversation_list_query import name_of
from streams.exceptions import StreamsError
from streams.log import transcript
from streams.models import Run
from streams.views.conversation_list import opening

from .base import NOTHING, Inspected, age, exact, pill, span
from .filters import ErrorCode, RecentModel, RecentWorker, Stuck
from .indexed_search import FAILURES, HELP, begun_uuid, conversations, failed_runs, failed_with
from .timeline import picture
from .tool_calls import DecidesCalls, call_rows

CANCEL, AGAIN = "cancel", "run again"


@admin.register(Run)
class RunAdmin(DecidesCalls, Inspected):
    list_display = (
        *("state", "age", "first_token", "speed", "took", "worker", "conversation_named", "model"),
    )
    list_display_links = ("state", "conversation_named")
    list_filter = (
        "status",
        Stuck,
        ErrorCode,
        RecentModel,
        RecentWorker,
        "queued_at",
    )
    list_select_related = ("conversation__owner", "worker")
    search_fields = ("uuid",)  # and more: see get_search_results
    search_help_text = format_lazy(
        _("{help}, how our error code begins, or the vendor's of the newest {count} failures"),
        help=HELP,
        count=f"{FAILURES:,}",
    )
    actions = ("cancel_selected",)
    fieldsets = (
        (None, {"fields": (
            "state", "conversation", "owner", "model", "attempt", "deaths", "worker",
        )}),
        (_("Timings"), {"fields": (
            ("queued", "waited"), ("started", "first_token"), ("wrote", "speed"),
            ("ended", "took"),
        )}),
        (_("Outcome"), {"fields": (
            "stop_reason", "usage", "error_code", "vendor_error", "error_message", "retryable",
            "cancel_requested_at", "cancelled_by",
        )}),
        (_("Keys"), {"fields": ("uuid", "rank"), "classes": ("collapse",)}),
    )  # fmt: skip
    readonly_fields = (
        *("state", "owner", "queued", "waited", "started", "first_token", "wrote", "speed"),
        *("ended", "took", "uuid"),
    )
    queued, started = exact("queued_at", _("queued")), exact("started_at", _("started"))
    wrote, ended = exact("first_token_at", _("first token at")), exact("ended_at", _("ended"))
    change_form_template = "admin/streams/run/change_form.html"

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Cancelling and running again is what `change` means here."""
        return request.user.has_perm("streams.change_run")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        runs: QuerySet[Run] = super().get_queryset(request)
        return runs.annotate(opening=opening("conversation"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Run], search_term: str
    ) -> tuple[QuerySet[Run], bool]:
        """Each kind is looked up by an index of its own, instead of a scan of all."""
        text = search_term.strip()
        if not text:
            return queryset, False
        named = Q(conversation__in=conversations(text)) | Q(pk__in=failed_runs(text))
        return queryset.filter(begun_uuid(text) | named | failed_with(text)), False

    @admin.display(description=_("status"))
    def state(self, run: Run) -> SafeString:
        stopping = run.status == Run.Status.RUNNING and run.cancel_requested_at
        number = {"number": run.attempt}
        again = gettext("attempt %(number)s") % number if run.attempt > 1 else ""
        why = ", ".join(filter(None, (run.error_code, run.vendor_error, again)))
        return pill("stopping" if stopping else run.status, why)

    @admin.display(description=_("conversation"))
    def conversation_named(self, run: Run) -> SafeString:
        """Shows the conversation by the name that its owner sees, and the owner."""
        name = name_of(run.conversation.title, run.opening)  # type: ignore[attr-defined]
        return format_html(
            '<span class="name" dir="auto" title="{}">{}</span> <span class="owner">{}</span>',
            *(name, name, run.conversation.owner),
        )

    @admin.display(description=_("owner"))
    def owner(self, run: Run) -> str:
        return str(run.conversation.owner)

    @admin.display(description=_("first token"))
    def first_token(self, run: Run) -> str:
        return span(run.time_to_first_token)

    @admin.display(description=_("tokens/s"))
    def speed(self, run: Run) -> str:
        speed = run.tokens_per_second
        return NOTHING if speed is None else f"{speed:.1f}"

    @admin.display(description=_("took"))
    def took(self, run: Run) -> str:
        return span(run.duration)

    @admin.display(description=_("age"))
    def age(self, run: Run) -> str:
        return age(run, "queued_at")

    @admin.display(description=_("waited"))
    def waited(self, run: Run) -> str:
        return span(run.started_at - run.queued_at) if run.started_at else NOTHING

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        run: Run = context["original"]
        may = self.has_cancel_permission(request)
        context |= {
            "picture": picture(run),
            "prompt": run.prompt,
            "blocks": blocks(run),
            "calls": call_rows(run) if run.steps else [],
            "may_decide": may,
            "may_cancel": may and run.status in Run.OPEN and not run.cancel_requested_at,
            "may_run_again": may and run.status not in Run.OPEN and not run.removed,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/cancel/", view(self.cancel_view), name="streams_run_cancel"),
            path("<path:object_id>/again/", view(self.again_view), name="streams_run_again"),
            path(
                "<path:object_id>/calls/<uuid:call>/decide/",
                require_POST(view(self.decide_view)),
                name="streams_run_decide",
            ),
            *super().get_urls(),
        ]

    def cancel_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._one(request, object_id, CANCEL)

    def again_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._one(request, object_id, AGAIN)

    def _one(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        """Shows the page that asks for confirmation on GET, and acts on POST."""
        if not self.has_cancel_permission(request):
            raise PermissionDenied
        run = self.get_object(request, unquote(object_id))
        if run is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[no-any-return, attr-defined]
                request, self.opts, object_id
            )
        if request.method != "POST":
            return self._ask(request, [run], verb)
        shown = self._do(request, run, verb) or run
        return HttpResponseRedirect(reverse("admin:streams_run_change", args=[shown.pk]))

    @admin.action(description=_("Cancel selected runs"), permissions=["cancel"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse | None:
        runs = list(queryset.filter(status__in=Run.OPEN))
        if not runs:
            messages.info(request, gettext("They have all ended already."))
        elif "confirmed" not in request.POST:
            return self._ask(request, runs, CANCEL, action="cancel_selected")
        else:
            done = [run for run in runs if self._do(request, run, CANCEL, quietly=True)]
            counts = {"done": len(done), "all": len(runs)}
            messages.success(request, gettext("Asked to stop: %(done)s of %(all)s.") % counts)
        return None

    def _do(
        self, request: HttpRequest, run: Run, verb: str, *, quietly: bool = False
    ) -> Run | None:
        device = getattr(request, "device", None)
        try:
            result = run.cancel(device) if verb == CANCEL else run.retry(device)
        except StreamsError as error:
            messages.error(request, f"{run}: {error.message}")
            return None
        self.log_change(request, run, f"Asked to {verb}.")
        if not quietly:
            done = gettext("Asked to stop.") if verb == CANCEL else gettext("Queued again.")
            messages.success(request, done)
        return result

    def _ask(
        self, request: HttpRequest, runs: list[Run], verb: str, action: str = ""
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Are you sure?"),
            "opts": self.opts,
            "media": self.media,
            "runs": runs,
            "cancels": verb == CANCEL,
            "action": action,
        }
        return TemplateResponse(request, "admin/streams/run/confirm.html", context)


def blocks(run: Run) -> list[transcript.Block]:
    """The answer, or what there is of it."""
    if run.answer.blocks or not run.attempt:
        return list(run.answer.blocks)
    return transcript.blocks_of(log.run_rows(run.conversation_id, run.pk))
