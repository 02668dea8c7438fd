from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

import streams
from streams.exceptions import NotFound

from .models import Invoice


def home(request):
    return render(request, "home.html")


@login_required
def invoice(request, number):
    found = get_object_or_404(Invoice, number=number, member=request.user.pk)
    return render(
        request,
        "billing/invoice.html",
        {"invoice": found, "conversation": about(found, request.user)},
    )


def about(invoice, member):
    """The conversation about an invoice; None before there is one, and once it was deleted."""
    try:
        return invoice.conversation and streams.get(member, invoice.conversation)
    except NotFound:
        return None


@require_POST
@login_required
def explain(request, number):
    """Asks the assistant, in this request's transaction; the invoice's page shows the answer."""
    found = get_object_or_404(Invoice, number=number, member=request.user.pk)
    chat = about(found, request.user)
    if not chat:
        chat = streams.start(request.user, instructions="Antworte auf Deutsch.")
        chat.ask(f"Erkläre mir die Rechnung {number}:\n\n{found.text}")
        found.conversation = chat.id
        found.save(update_fields=["conversation"])
    return redirect(found)
