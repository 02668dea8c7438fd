"""What the app tells a site's own code, in a worker process, at least once each.

Connect receivers in an `AppConfig.ready`, as any of Django's. They are called one after another,
in a thread of their own where the ORM may be used, outside of any transaction; an asynchronous one
works too. One that raises, or whose worker is killed, is called again later and later, for a day,
and so are the others of that delivery: let them recognise a repeat by `delivery`, or by the run's
id. What takes longer than a minute belongs into a task queue.
"""

from __future__ import annotations

from django.dispatch import Signal

#: An answer is completed, failed or cancelled, wherever that came from. `sender` is
#: `streams.Run`; `run` the Run, `chat` its Chat, `status` the run's status, `delivery` a number
#: that is the same at each repeat and at nothing else, `attempt` 1, 2, 3, ….
run_ended = Signal()
