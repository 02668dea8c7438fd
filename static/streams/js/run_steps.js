// The steps and calls of one run as its events tell them: what streams/log/call_states.py does, in
// the same words. Only state: the code that draws reads `step` and `calls`.

export class RunSteps {
  step = 0; // the number of the model call that began last
  calls = new Map(); // by call_id, in order: {id, name, block, step, status, decision, device, note, progress, result, ms, client}

  constructor({ step = 0, calls = {} } = {}) {
    this.step = step;
    for (const [id, call] of Object.entries(calls)) this.calls.set(id, { ...call });
  }

  // A run begins, or goes on: the next model call is `step`.
  restart(step = 1) {
    this.step = step - 1;
  }

  // How many calls wait for a person, or for the client that runs them.
  get undecided() {
    return [...this.calls.values()].filter((call) => call.status === "waiting").length;
  }

  apply(type, data) {
    const call = this.calls.get(data.call_id);
    if (type.startsWith("tool.") && !call) return;
    switch (type) {
      case "step.started": this.step = data.step; break;
      case "step.ended": for (const each of data.calls ?? []) this.#made(each, data.step); break;
      case "tool.waiting": Object.assign(call, { status: "waiting", client: data.client ?? false }); break;
      case "tool.decided": decide(call, data); break;
      case "tool.started": Object.assign(call, { status: "running", progress: null }); break;
      case "tool.progress": call.progress = data.text; break;
      case "tool.ended": end(call, data); break;
    }
  }

  #made({ id, call_id, name, block }, step) {
    const nothing = { decision: null, device: null, note: null, progress: null, result: null, ms: null, client: false };
    this.calls.set(call_id, { id, name, block, step, status: "approved", ...nothing });
  }
}

function decide(call, { decision, device = null, note = null }) {
  const status = decision === "denied" ? "denied" : "approved";
  Object.assign(call, { decision, device, note, status });
}

function end(call, { status, result, ms = null }) {
  Object.assign(call, { status, result, ms, progress: null });
}
