"""Signals for a site's own code, sent in a worker process, at least once each.

Connect receivers in `AppConfig.ready`, as for any Django signal. They are called one after another,
in a thread where the ORM may be used, outside of any transaction; asynchronous receivers work too.
If one raises or its worker is killed, all receivers of that delivery are called again, at growing
intervals for a day: recognise a repeat by `delivery`, or by the run's id. Work of more than a
minute belongs in a task queue.
"""

from __future__ import annotations

from django.dispatch import Signal

#: An answer is completed, failed or cancelled, wherever that came from. `sender` is
#: `streams.Run`; `run` the Run, `chat` its Chat, `status` the run's status, `delivery` a number
#: that is the same at each repeat and at nothing else, `attempt` 1, 2, 3, ….
run_ended = Signal()

#: An answer waits for a decision about a call of a tool, and nothing else of it can go on. Sent as
#: `run_ended` is, with `status` "waiting"; it may have been decided by then. An answer that waits
#: again is told again, with another `delivery`.
run_waiting = Signal()
