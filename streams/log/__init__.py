"""The event log of conversations: the only package that holds SQL for streams_event."""

from .append_statement import THIS_MONTH
from .appending import (
    Append,
    AppendResult,
    NewEvent,
    RunChange,
    append,
)
from .checking import Finding, check_each, drop_orphan, orphans, walk
from .commit_lookup import committed, lock_free, raise_tokens
from .compaction import Compacted, compact, compactable
from .encoding import dumps
from .ledger import CANCELLED, UNKNOWN, AnswerSoFar, CallChange, EndedStep, Ledger, NewCall, unrun
from .locked_appending import append_locked
from .reading import (
    DEVICE_THEN,
    LAST_SEQ,
    TERMINAL_SEQ,
    WAS_NAMED,
    Moment,
    Page,
    StoredEvent,
    catch_up,
    read_new,
    rows_after,
    run_rows,
    run_rows_from,
    shown_rows,
    timeline,
)
from .repairing import mend
from .run_endings import Ending, RunEnding, let_go
from .run_events import TERMINAL, OneRun
from .run_page import last_waiting, run_page, waited_for
from .sequence_conflicts import numbered
from .sql_fragments import TOLD, WRITTEN
from .system_prompts import forget_instructions
from .usage_estimate import with_lost_call

__all__ = [
    "CANCELLED",
    "DEVICE_THEN",
    "LAST_SEQ",
    "TERMINAL",
    "TERMINAL_SEQ",
    "THIS_MONTH",
    "TOLD",
    "UNKNOWN",
    "WAS_NAMED",
    "WRITTEN",
    "AnswerSoFar",
    "Append",
    "AppendResult",
    "CallChange",
    "Compacted",
    "EndedStep",
    "Ending",
    "Finding",
    "Ledger",
    "Moment",
    "NewCall",
    "NewEvent",
    "OneRun",
    "Page",
    "RunChange",
    "RunEnding",
    "StoredEvent",
    "append",
    "append_locked",
    "catch_up",
    "check_each",
    "committed",
    "compact",
    "compactable",
    "drop_orphan",
    "dumps",
    "forget_instructions",
    "last_waiting",
    "let_go",
    "lock_free",
    "mend",
    "numbered",
    "orphans",
    "raise_tokens",
    "read_new",
    "rows_after",
    "run_page",
    "run_rows",
    "run_rows_from",
    "shown_rows",
    "timeline",
    "unrun",
    "waited_for",
    "walk",
    "with_lost_call",
]
