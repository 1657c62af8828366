// Waits at an order's status until there is a result: by an event stream or long polls where the
// server offers them, else by polls as far apart as it asks for.
//
// A status redirects to the result when the order has ended (303). Browsers show a script no
// redirect that was not followed, so all are followed, and the result is recognised as what the
// status led to: the answer was redirected, and does not ask to come back as a status does.

import { AsyncOrdersError, NetworkError, ProtocolError, mediaType } from './errors.js';
import { readEvents } from './event-stream.js';
import { takeSlot } from './held.js';
import { backOffMs, retryAfterMs } from './retry.js';

/** @typedef {import('./types.d.ts').StatusDocument} StatusDocument */
/** @typedef {import('./types.d.ts').EndedDocument} EndedDocument */
/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./status-resource.js').StatusResource} StatusResource */
/** @typedef {import('./held.js').Release} Release */

/**
 * How a status was learnt.
 * @typedef {object} Poll
 * @property {'submit' | 'poll' | 'wait' | 'stream'} via
 * @property {number | undefined} nextPollMs how long it is until the status is asked for again; `undefined` if
 *   the server tells it by itself
 */

/**
 * @typedef {object} WaitMethod
 * @property {number | undefined} [wait] how long the server may hold an answer back until there is a result
 *   (`Prefer: wait`, RFC 7240), in seconds; default 30, and 0 asks for none
 * @property {boolean | undefined} [stream] whether an event stream is asked for; default `true`. In browsers four
 *   orders at most are waited for by streams and held answers, and any more by polls
 * @property {((status: StatusDocument, poll: Poll) => void) | undefined} [onStatus] is told each status that is learnt;
 *   of the last, terminal one only by a stream
 */

/** The longest that a server is asked to hold an answer, unless the caller says otherwise. */
const WAIT_SECONDS = 30;
/** How long a stream may be silent. Servers send a comment every 15 s. */
const SILENCE_MS_MAX = 45_000;
/** Between polls, whatever the server says: a bound on what a client can do to it. */
const POLL_MS_MIN = 100;
/** Where the server does not say: the first pause, the factor by which it grows, and its bound. */
const POLL_MS = 1000;
const POLL_GROWTH = 1.5;
const POLL_MS_MAX = 10_000;
/** So often may a request that the server is to hold fail before one asks for answers at once. */
const HELD_FAILURES_MAX = 2;

/** One wait for one order's result. */
export class Waiting {
  #session;
  #resource;
  #method;
  /** How many requests that the server was to hold have failed. */
  #heldFailures = 0;
  #polls = 0;
  /** @type {string | undefined} */
  #lastEventId;

  /**
   * @param {Session} session
   * @param {StatusResource} resource
   * @param {WaitMethod} method
   */
  constructor(session, resource, { wait = WAIT_SECONDS, stream = true, onStatus }) {
    this.#session = session;
    this.#resource = resource;
    this.#method = { wait, stream, onStatus };
  }

  /**
   * What the server answers when the order has ended.
   *
   * @param {Response} [accepted] the answer to the submission
   * @returns {Promise<Response>}
   */
  async result(accepted) {
    let release = await this.#mayHold();
    try {
      const early = accepted && (await this.#take(accepted, 'submit', release ? Infinity : 0));
      if (early) return early;
      for (;;) {
        const result = await this.#ask(release);
        if (result) return result;
        release = await this.#mayHold();
      }
    } finally {
      release?.();
    }
  }

  /** What is needed for a request that the server is to hold; nothing if it is to answer at once. */
  async #mayHold() {
    const { wait, stream } = this.#method;
    if (!(stream || wait > 0) || this.#heldFailures >= HELD_FAILURES_MAX) return undefined;
    return takeSlot(this.#resource.url);
  }

  /**
   * Asks once, and pauses if there is no result yet.
   *
   * @param {Release} [release] ends what allows the server to hold its answer
   * @returns {Promise<Response | undefined>}
   */
  async #ask(release) {
    const startedAt = Date.now();
    let isHeld = false;
    const { response, isRedirected, limit } = await this.#session.send((failures) => {
      if (failures === 1 && isHeld) this.#heldFailures += 1;
      isHeld = release !== undefined && failures === 0;
      if (!isHeld) release?.();
      return this.#pollRequest(isHeld);
    }, { waitMs: this.#method.wait * 1000 });
    if (response.ok && mediaType(response) === 'text/event-stream') {
      const ended = await this.#readStream(response, limit).finally(release);
      if (!ended) await this.#session.pause(POLL_MS + backOffMs(1));
      return ended && this.#fetchResult(ended);
    }
    release?.();
    if (!isStatus(response, isRedirected)) return response;
    const via = isHeld && wasHeld(response) ? 'wait' : 'poll';
    return this.#take(response, via, via === 'wait' ? Date.now() - startedAt : 0);
  }

  /** @param {boolean} isHeld */
  #pollRequest(isHeld) {
    const { wait, stream } = this.#method;
    const request = this.#resource.request(this.#resource.url);
    if (isHeld && stream) {
      const otherwise = this.#resource.headers.get('accept') ?? 'application/json;q=0.9, */*;q=0.8';
      request.headers.set('accept', `text/event-stream, ${otherwise}`);
      if (this.#lastEventId !== undefined) request.headers.set('last-event-id', this.#lastEventId);
    }
    if (isHeld && wait > 0) request.headers.set('prefer', `wait=${wait}`);
    return request;
  }

  /**
   * Tells a status, and pauses until the next poll.
   *
   * @param {Response} response
   * @param {'submit' | 'poll' | 'wait'} via
   * @param {number} waitedMs what counts as part of the pause: how long the server held the answer; all of it
   *   after the submission to a server that may hold its next one, as it is asked at once
   * @returns {Promise<Response | undefined>} the result, if the status says that the order has ended
   */
  async #take(response, via, waitedMs) {
    this.#session.check();
    const status = await readStatus(response.clone());
    if (status && isTerminal(status)) {
      // Without a link, the status is all the result there is.
      return status.links?.result === undefined ? response : this.#fetchResult(status);
    }
    const askedMs = retryAfterMs(response.headers) ?? Math.min(POLL_MS_MAX, POLL_MS * POLL_GROWTH ** this.#polls++);
    const nextPollMs = waitedMs === Infinity ? 0 : Math.max(POLL_MS_MIN, askedMs - waitedMs);
    if (status) this.#method.onStatus?.(status, { via, nextPollMs });
    if (nextPollMs > 0) await this.#session.pause(nextPollMs);
    return undefined;
  }

  /**
   * Tells each status of a stream.
   *
   * @param {Response} response
   * @param {{ renew: (ms: number) => void, lift: () => void }} limit
   * @returns {Promise<EndedDocument | undefined>} nothing if the stream broke off
   */
  async #readStream(response, limit) {
    const events = readEvents(/** @type {ReadableStream<Uint8Array>} */ (response.body));
    let isNew = false;
    try {
      for (;;) {
        limit.renew(SILENCE_MS_MAX);
        const next = await events.next().catch((error) => this.#broken(error));
        if (next.done) break;
        const event = next.value;
        if (event === undefined) continue;
        isNew = true;
        this.#lastEventId = event.id ?? this.#lastEventId;
        if (event.type === 'ended') return parse(event.data);
        if (event.type === 'status') this.#method.onStatus?.(parse(event.data), { via: 'stream', nextPollMs: undefined });
      }
    } finally {
      limit.lift();
      await events.return();
    }
    // A proxy may end a stream that works; one that never said anything counts as a failure.
    this.#heldFailures = isNew ? 0 : this.#heldFailures + 1;
    return undefined;
  }

  /**
   * A stream that broke is at its end, unless we broke it.
   * @param {unknown} error
   * @returns {{ done: true, value: undefined }}
   */
  #broken(error) {
    this.#session.check();
    if (error instanceof AsyncOrdersError && !(error instanceof NetworkError)) throw error;
    return { done: true, value: undefined };
  }

  /** @param {Pick<EndedDocument, 'links'>} ended */
  async #fetchResult(ended) {
    const url = ended.links?.result;
    if (typeof url !== 'string') throw new ProtocolError('the order has ended, but the event stream links no result');
    const target = this.#resource.resolve(url);
    const { response } = await this.#session.send(() => this.#resource.request(target));
    return response;
  }
}

/**
 * Whether an answer to a poll says that the order is still open. A result asks nobody to come
 * back, so an answer that was redirected but does is a status that has moved.
 * @param {Response} response
 * @param {boolean} isRedirected
 */
function isStatus(response, isRedirected) {
  return response.status === 202 || (response.status === 200 && (!isRedirected || response.headers.has('retry-after')));
}

/** Whether the server took the wish to wait. @param {Response} response */
function wasHeld(response) {
  return /\bwait\b/i.test(response.headers.get('preference-applied') ?? '');
}

/** @param {StatusDocument} document */
function isTerminal({ status }) {
  return ['completed', 'failed', 'cancelled'].includes(status);
}

/**
 * The body, if it is a status document. Servers need not send one.
 * @param {Response} response
 * @returns {Promise<StatusDocument | undefined>}
 */
async function readStatus(response) {
  const body = await response.json().catch(() => undefined);
  return typeof Object(body).status === 'string' ? body : undefined;
}

/** @param {string} data */
function parse(data) {
  try {
    return JSON.parse(data);
  } catch (cause) {
    throw new ProtocolError('the event stream has an event that is not JSON', { cause });
  }
}
