"""Which check is made with which client, as the table of `docs/dialects/checks.md`.

    uv run python -m tests.judges.table

writes it there.
"""

from __future__ import annotations

import re

from .mutations import ROOT

PAGE = ROOT / "docs" / "dialects" / "checks.md"
CLIENTS = {
    "responses": "openai-python, Responses",
    "node": "openai-node",
    "completions": "openai-python, Chat Completions",
    "agents": "OpenAI Agents SDK",
    "ai": "AI SDK 7",
    "ag_ui": "AG-UI",
    "tanstack": "TanStack AI",
}
KILLED = CLIENTS.keys() - {"agents"}  # which has no more of this than what it is made of
R, C = "test_openai_responses.py::test_", "test_openai_chat.py::test_"
N, A, G, T = (
    f"{script}: "
    for script in (
        "openai_node/judge.mjs",
        "ai_sdk/judge.mjs",
        "ag_ui/judge.mjs",
        "ag_ui/tanstack.mjs",
    )
)
TOOLS = "test_openai_tools.py::test_"
AGENTS = "test_openai_agents.py::test_an_agent_uses_its_tool_in_each_turn"
KILLS = "test_lost_processes.py::test_the_"
TOGETHER = (
    "test_simultaneous_clients.py::test_begun_by_use_chat_followed_by_all_and_stopped_on_a_phone"
)
WHOLE = f"{C}an_answer_whole_and_streamed_to_the_messages_that_were_sent"
NOT_WHOLE = f"{C}what_is_not_whole_never_ends_well"

# By what is checked, and by client: a test, or a script and the beginning of a check's name. A
# client that is not named has nothing of the kind in its protocol, or is not asked.
CHECKS: dict[str, dict[str, str]] = {
    "An answer is streamed": {
        "responses": f"{R}an_answer_whole_and_streamed_and_read_again",
        "node": f"{N}an answer streamed, and again",
        "completions": WHOLE,
        "ai": f"{A}plain",
        "ag_ui": f"{G}plain",
        "tanstack": f"{T}plain, and several turns",
        "agents": AGENTS,
    },
    "An answer comes whole": {
        "responses": f"{R}an_answer_whole_and_streamed_and_read_again",
        "node": f"{N}an answer whole",
        "completions": WHOLE,
        "agents": AGENTS,
    },
    "Several turns": {
        "responses": f"{R}several_turns_by_response_by_conversation_and_by_items",
        "node": f"{N}several turns",
        "completions": WHOLE,
        "ai": f"{A}several turns",
        "ag_ui": f"{G}several turns",
        "tanstack": f"{T}plain, and several turns",
        "agents": AGENTS,
    },
    "Another answer, an edited prompt, a branch": {
        "responses": f"{R}several_turns_by_response_by_conversation_and_by_items",
        "ai": f"{A}an edited prompt begins a branch",
        "ag_ui": f"{G}another answer, and an edited prompt",
    },
    "Cut anywhere, and resumed": {
        "responses": f"{R}a_stream_cut_anywhere_goes_on_where_it_was_cut",
        "node": f"{N}a cut, and on from there",
        "ai": f"{A}cut at every place",
        "ag_ui": f"{G}joined while it runs",
        "tanstack": f"{T}cut at every place",
    },
    "A page is loaded in mid-answer": {
        "ai": f"{A}cut and resumed on the same page",
        "ag_ui": f"{G}a join before the first token",
        "tanstack": f"{T}a page that is loaded",
    },
    "Whoever leaves stops nothing": {
        "responses": f"{R}a_background_response_goes_on_without_its_client",
        "ai": f"{A}a disconnect is no cancel",
        "ag_ui": f"{G}a disconnect is no cancel",
    },
    "A stop": {
        "responses": f"{R}a_stop_reaches_every_reader_and_the_model",
        "node": f"{N}a stop",
        "completions": NOT_WHOLE,
        "ai": f"{A}stop, from another place",
        "ag_ui": f"{G}cancelled in mid-answer",
        "tanstack": f"{T}cancelled from another place",
    },
    "A failure": {
        "responses": f"{R}what_failed_is_a_response_and_is_not_asked_again",
        "node": f"{N}a failure",
        "completions": NOT_WHOLE,
        "ai": f"{A}a failure",
        "ag_ui": f"{G}a failure",
        "tanstack": f"{T}a failure",
    },
    "Nothing is being written": {
        "responses": f"{R}after_compaction_any_cursor_gets_the_end_which_holds_everything",
        "ai": f"{A}nothing is active",
    },
    "Sent twice, answered once": {
        "responses": f"{R}the_same_key_sent_again_is_the_same_response",
        "completions": f"{C}the_same_key_sent_again_is_the_same_completion",
        "ai": f"{A}a post that comes twice",
        "ag_ui": f"{G}a post that comes again",
    },
    "What is unknown, and somebody else's": {
        "responses": f"{R}what_is_deleted_or_not_stored_or_somebody_elses_is_not_there",
        "node": f"{N}somebody else's, nobody's",
        "ai": f"{A}unknown and foreign ids",
        "ag_ui": f"{G}unknown and foreign ids",
    },
    "No token": {
        "responses": f"{R}a_refusal_says_what_is_wrong_with_what",
        "node": f"{N}somebody else's, nobody's",
        "completions": f"{C}a_refusal_says_what_is_wrong_with_what",
        "ai": f"{A}no token",
        "ag_ui": f"{G}no token",
        "tanstack": f"{T}no token",
    },
    "What cannot be sent is refused in words": {
        "responses": f"{R}a_refusal_says_what_is_wrong_with_what",
        "completions": f"{C}a_refusal_says_what_is_wrong_with_what",
        "ai": f"{A}what cannot be sent",
        "ag_ui": f"{G}what cannot be sent",
    },
    "A tool waits for a decision": {
        "ai": "ai_sdk/tools.mjs: a tool that is denied",
        "ag_ui": "ag_ui/tools.mjs: an interrupt that is approved",
    },
    "A tool that the client runs": {
        "responses": f"{TOOLS}the_client_runs_its_tool_and_another_response_goes_on",
        "node": f"{N}a tool that the client runs, in responses",
        "completions": f"{TOOLS}the_client_runs_its_tool_and_another_completion_goes_on",
        "agents": AGENTS,
        "ai": "ai_sdk/tools.mjs: a tool that the client runs",
        "ag_ui": "ag_ui/tools.mjs: a tool that the client runs",
    },
    "Calls of earlier turns, in a client's own history": {
        "responses": f"{TOOLS}a_client_that_holds_its_history_sends_it_with_the_result",
        "node": f"{N}a tool that the client runs, in responses",
        "completions": f"{TOOLS}a_history_of_another_is_answered_and_nobody_elses_call",
        "agents": AGENTS,
    },
    "Images and files go with a prompt": {
        "responses": f"{R}images_and_files_reach_the_model_and_are_read_back",
        "node": f"{N}an image and a file",
        "completions": f"{C}images_and_files_go_with_the_message_they_came_with",
        "ai": f"{A}a file, and on with it after a reload",
        "ag_ui": f"{G}an image, whose address is told",
        "tanstack": f"{T}an image, and on with it after a reload",
    },
    "Begun in one, followed in others at once, stopped on a page": {
        "responses": TOGETHER,
        "ai": TOGETHER,
        "ag_ui": TOGETHER,
    },
    "The web process is killed in mid-answer": dict.fromkeys(
        KILLED, f"{KILLS}web_process_is_killed"
    ),
    "The worker is killed in mid-answer": dict.fromkeys(KILLED, f"{KILLS}worker_is_killed"),
}


def as_markdown() -> str:
    def row(first: str, *cells: str) -> str:
        return f"| {first} | {' | '.join(cells)} |\n"

    head = row("", *CLIENTS.values()) + row("---", *[":-:"] * len(CLIENTS))
    return head + "".join(
        row(check, *("✓" if client in cells else "–" for client in CLIENTS))
        for check, cells in CHECKS.items()
    )


def written(page: str) -> str:
    """Returns the page with the table as it is here."""
    return re.sub(r"^\|.*\|\n", as_markdown(), page, count=1, flags=re.M | re.S)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
