// The connection to the coordinator: its events; while there are none, its view asked for again and again.

const EVENTS = '/v1/farm/events';
const VIEW = '/v1/farm';
/** An idle farm says nothing; after so long it is asked whether it is still there. */
const QUIET_MS = 15_000;
const ANSWER_MS = 8_000;
const PAUSE_MS = 5_000;

/** Why an answer is no success, from its coded body where it has one. */
async function reasonOf(response) {
  try {
    const { code, message } = await response.json();
    if (code && message) return `[${code}] ${message}`;
  } catch {
    // A proxy's answer, as when the coordinator is away.
  }
  return `the answer was ${response.status} ${response.statusText}`.trim();
}

/**
 * Watches the farm. `onView(view, offset)` gets each view and by how many milliseconds the coordinator's clock is ahead of this one;
 * `onState(state, reason)` hears of the connection: `live`, `polling` (no events, but answers) or `lost`.
 */
export class Stream {
  #onView;
  #onState;
  #source = null;
  #heard = 0;
  #last = '';
  #offset = null;
  #asking = false;

  constructor(onView, onState) {
    this.#onView = onView;
    this.#onState = onState;
  }

  start() {
    this.#open();
    setInterval(() => {
      const { readyState } = this.#source;
      if (performance.now() - this.#heard > QUIET_MS && readyState !== EventSource.CLOSED) {
        this.#ask(readyState === EventSource.OPEN ? 'live' : 'polling');
      }
    }, PAUSE_MS);
  }

  #open() {
    const source = new EventSource(EVENTS);
    this.#source = source;
    source.onmessage = ({ data }) => this.#take(data, 'live');
    source.onerror = () => {
      // While it is connecting the browser tries again by itself.
      if (source.readyState === EventSource.CLOSED) {
        this.#refused();
      } else {
        this.#onState('lost', 'the connection broke off; it is tried again');
      }
    };
  }

  /** Something changed and no event told: the connection is dead, though nobody has noticed. */
  #reopen() {
    this.#source.close();
    this.#open();
  }

  #take(text, state) {
    this.#heard = performance.now();
    this.#last = text;
    const view = JSON.parse(text);
    if (this.#offset === null) this.#compareClocks();
    this.#onState(state, '');
    this.#onView(view, this.#offset ?? 0);
  }

  async #compareClocks() {
    this.#offset = 0;
    try {
      const response = await fetch('/healthz', { method: 'HEAD', cache: 'no-store' });
      const theirs = Date.parse(response.headers.get('date') ?? '');
      // The header tells whole seconds; less than two are no difference.
      if (Math.abs(theirs - Date.now()) > 2_000) this.#offset = theirs - Date.now();
    } catch {
      this.#offset = null;
    }
  }

  /** The browser has given up: finds out why, shows the present meanwhile, and tries again. */
  async #refused() {
    const broken = new AbortController();
    let reason = 'the coordinator does not answer';
    try {
      const response = await fetch(EVENTS, { signal: broken.signal, cache: 'no-store' });
      const kind = response.headers.get('content-type') ?? '';
      if (response.ok && kind.startsWith('text/event-stream')) {
        broken.abort();
        this.#open();
        return;
      }
      reason = response.status === 204 ? 'the coordinator sends no events' : await reasonOf(response);
    } catch {
      // Nobody there: the view says so, too.
    }
    await this.#ask('polling', reason);
    setTimeout(() => this.#refused(), PAUSE_MS);
  }

  async #ask(state, reason = '') {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const response = await fetch(VIEW, { signal: AbortSignal.timeout(ANSWER_MS), cache: 'no-store' });
      if (response.ok) {
        const before = this.#last;
        this.#take(await response.text(), state);
        if (reason) this.#onState(state, reason);
        if (state === 'live' && before !== this.#last) this.#reopen();
      } else {
        this.#onState('lost', await reasonOf(response));
      }
    } catch {
      this.#onState('lost', 'the coordinator does not answer');
    } finally {
      this.#asking = false;
    }
  }
}
