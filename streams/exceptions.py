"""The app's errors, each with the code and HTTP status that clients get."""

from __future__ import annotations


class StreamsError(Exception):
    """An error to tell a client: `code` is for programs, the message for people."""

    code = "error"
    status = 400
    field: str | None = None
    retry_after: int | None = None  # seconds

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Invalid(StreamsError):
    code, status = "invalid", 422


class UnknownModelName(StreamsError):
    code, status = "unknown_model", 422


class BadCursor(StreamsError):
    code, status = "bad_cursor", 400


class BadRequest(StreamsError):
    code, status = "bad_request", 400


class Unsupported(StreamsError):
    code, status = "unsupported_media_type", 415


class TooLarge(StreamsError):
    code, status = "too_large", 413


class TooManyFiles(StreamsError):
    code, status = "too_many_files", 422


class NoRoom(StreamsError):
    code, status = "no_room", 422


class ConversationFull(StreamsError):
    code, status = "conversation_full", 422


class TooManyEmpty(StreamsError):
    code, status = "too_many_empty", 429


class TooManyShares(StreamsError):
    code, status = "too_many_shares", 429


class TooManyRuns(StreamsError):
    code, status, retry_after = "too_many_runs", 429, 5


class BudgetSpent(StreamsError):
    code, status = "budget_spent", 429


class TooManyStreams(StreamsError):
    code, status, retry_after = "too_many_streams", 429, 5


class TooMuchAtOnce(StreamsError):
    code, status, retry_after = "too_much_at_once", 429, 2


class TooManyAttempts(StreamsError):
    code, status = "too_many_attempts", 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotSignedIn(StreamsError):
    code, status = "not_signed_in", 401


class NotAllowed(StreamsError):
    code, status = "not_allowed", 403


class ReadOnly(StreamsError):
    code, status = "read_only", 403


class NotByToken(StreamsError):
    code, status = "not_by_token", 403


class Forbidden(StreamsError):
    code, status = "csrf", 403
    token = ""  # one for the next try


class SetAside(StreamsError):
    code, status, retry_after = "set_aside", 503, 30


class MethodNotAllowed(StreamsError):
    code, status = "method_not_allowed", 405

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This address doesn't take that method; it takes {allowed}.")
        self.allowed = allowed


class NotFound(StreamsError):
    code, status = "not_found", 404


class WrongCode(StreamsError):
    code, status = "wrong_code", 422


class PairingEnded(StreamsError):
    code, status = "pairing_ended", 410


class SignedInAsAnother(StreamsError):
    code, status = "signed_in_as_another", 409


class KeyReused(StreamsError):
    code, status = "key_reused", 409


class Busy(StreamsError):
    code, status = "busy", 409


class AlreadyDecided(StreamsError):
    code, status = "already_decided", 409


class CannotWait(StreamsError):
    """Raised by `streams.Run.wait`; never an answer to a request."""


class InTransaction(CannotWait):
    code, status = "in_transaction", 500


class StillRunning(CannotWait, TimeoutError):
    code, status = "still_running", 504


class NotRetryable(StreamsError):
    code, status = "not_retryable", 409


class Internal(StreamsError):
    """A fault that the log explains, and nobody else is told of."""

    code, status = "internal", 500


class Unavailable(StreamsError):
    code, status = "unavailable", 503
