from django.db import models
from django.urls import reverse


class Invoice(models.Model):
    """A bill. Whose it is, and where it was explained, are in the other database."""

    number = models.CharField("Nummer", max_length=20, unique=True)
    member = models.UUIDField("Mitglied", db_index=True)
    text = models.TextField("Posten")
    conversation = models.UUIDField("Gespräch", null=True, blank=True)

    class Meta:
        verbose_name = "Rechnung"
        verbose_name_plural = "Rechnungen"

    def __str__(self):
        return self.number

    def get_absolute_url(self):
        return reverse("invoice", args=[self.number])
