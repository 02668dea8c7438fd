"""`/usage`: what a person's answers took, by month and model."""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Count, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, TruncMonth
from django.http import HttpResponse, JsonResponse

from streams.models import Run
from streams.providers.model_names import words_of

from .negotiation import wants_json
from .pages import render
from .resource import Request, Resource

MOST = 500  # lines: models times months


class Usage(Resource):
    def get(self, request: Request) -> HttpResponse:
        lines = used(request.user)
        if wants_json(request):
            told = [line | {"month": f"{line['month']:%Y-%m}"} for line in lines]
            return JsonResponse({"usage": told})
        named = [line | {"words": words_of(line["model"])} for line in lines]
        return render(request, "streams/usage.html", {"lines": named})


def used(user: Any) -> list[dict[str, Any]]:
    """Returns a line for each month and model, the newest first. Of conversations that are deleted
    nothing is known any more.
    """

    def total(name: str) -> Sum:
        return Sum(Cast(KT(f"usage__{name}"), BigIntegerField()), default=0)

    lines = (
        Run.objects.filter(conversation__owner_id=user.pk, started_at__isnull=False)
        .order_by()
        .annotate(month=TruncMonth("started_at"))
        .values("month", "model")
        .annotate(
            answers=Count("pk"),
            read=total("input_tokens"),
            written=total("output_tokens"),
        )
        .order_by("-month", "model")
    )
    return [
        {
            "month": line["month"],
            "model": line["model"],
            "answers": line["answers"],
            "input_tokens": line["read"],
            "output_tokens": line["written"],
        }
        for line in lines[:MOST]
    ]
