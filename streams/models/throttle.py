from __future__ import annotations

from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, gettext_lazy

from streams.exceptions import TooManyAttempts
from streams.postgres.database import connection

# One statement, so that attempts on many processes at once are all counted.
COUNT = """
INSERT INTO streams_attempts AS a (key, count, until)
VALUES (%(key)s, 1, statement_timestamp() + make_interval(secs => %(window)s))
ON CONFLICT (key) DO UPDATE
   SET count = CASE WHEN a.until <= statement_timestamp() THEN 1 ELSE a.count + 1 END,
       until = CASE WHEN a.until <= statement_timestamp() THEN excluded.until ELSE a.until END
RETURNING count, ceil(extract(epoch FROM until - statement_timestamp()))
"""


class Attempts(models.Model):
    """Counts recent attempts at something, by a digest that names nobody."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = gettext_lazy("attempts")
        verbose_name_plural = gettext_lazy("attempts")

    def __str__(self) -> str:
        return f"{self.count} until {self.until:%H:%M:%S}"

    @classmethod
    def allow(cls, what: str, most: int, window: float) -> None:
        """Counts one more attempt; raises TooManyAttempts beyond `most` within `window` seconds."""
        if not most:
            return
        with connection().cursor() as cursor:
            cursor.execute(COUNT, {"key": digest(what), "window": window})
            count, seconds = cursor.fetchone()
        if count > most:
            raise TooManyAttempts(gettext("That was tried too often. Wait a little."), int(seconds))

    @classmethod
    def forget(cls, what: str) -> None:
        cls.objects.filter(key=digest(what)).delete()


def digest(what: str) -> str:
    return salted_hmac("streams.attempts", what, algorithm="sha256").hexdigest()
