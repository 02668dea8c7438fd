"""The text of `scripted:demo`: reasoning, then every kind of Markdown the pages render."""

from __future__ import annotations

LONGEST = 120

THOUGHT = """\
The question came over a connection that may drop at any word. So the answer should be one \
that can be followed on two devices, stopped on either, and found whole after a refresh."""

ANSWER = """\
## An answer that survives

You said: “{said}”. This is a scripted answer, so that you can try everything without a \
key or a model. While it is still being written, try this:

1. **Refresh the page.** It goes on from the very word it had reached.
2. **Open it on a second device.** Both show the same sentence growing.
3. **Press Stop on either.** The text so far is kept, and the other says who stopped it.

Every token is a numbered row before anyone sees it:

| seq | type | data |
|----:|------|------|
| 1 | `message.created` | your prompt |
| 2 | `run.queued` | waits for a worker |
| 3 | `run.started` | a worker has the lease |
| 4 | `block.delta` | the first words |
| … | … | … |

A client that was away only has to say how far it had read:

```python
import httpx


def follow(url: str, after: int) -> None:
    \"\"\"Print what was said since event number `after`, then what comes next.\"\"\"
    with httpx.stream("GET", url, params={{"after": after}}, timeout=None) as response:
        for line in response.iter_lines():
            print(line)
```

> A disconnect is never a cancel, and a cancel never needs the connection.

That is all there is to it. Ask again, or ask something else.
"""


def quoted(said: str) -> str:
    """Returns one line of the prompt, shortened, without characters that Markdown would
    interpret.
    """
    line = " ".join(said.split())
    line = line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>#|~!$&" else mark for mark in line)
