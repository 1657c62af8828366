// When to ask again.

/** The longest that a timer can run. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** The first pause after a failure; it doubles with each further one. */
const BACK_OFF_MS_MIN = 500;
const BACK_OFF_MS_MAX = 10_000;

/** Whether the same request may succeed later. @param {Response} response */
export function isTransient({ status }) {
  return status === 429 || (status >= 502 && status <= 504);
}

/**
 * What `Retry-After` (RFC 9110 §10.2.3) asks for, in milliseconds.
 *
 * @param {Headers} headers
 * @param {number} [now] in milliseconds
 * @returns {number | undefined} `undefined` if it is not there, or is neither seconds nor a date
 */
export function retryAfterMs(headers, now = Date.now()) {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  // `Date.parse` reads much that is no HTTP date, which ends in GMT and begins with a day's name.
  if (Number.isNaN(at) || !/^[A-Z].* GMT$/.test(value)) return undefined;
  // By the server's clock, as ours may be wrong.
  const from = Date.parse(headers.get('date') ?? '');
  return Math.max(0, at - (Number.isNaN(from) ? now : from));
}

/**
 * The pause after the n-th failure in a row: exponential with full jitter, so that clients which
 * failed together do not come back together.
 *
 * @param {number} failures from 1
 * @param {number} [random] 0 to 1
 */
export function backOffMs(failures, random = Math.random()) {
  return random * Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** (failures - 1));
}

/**
 * Resolves after `ms`; rejects with the signal's reason if that comes first.
 *
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
export function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, Math.min(ms, TIMER_MS_MAX));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

/**
 * A signal that aborts with `outer`, or when the time is up with the reason that `reason` makes.
 * `AbortSignal.any` is not in Node 18.
 *
 * @param {AbortSignal | null | undefined} outer
 * @param {number} ms
 * @param {() => Error} reason
 */
export function limited(outer, ms, reason) {
  const controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const stop = () => controller.abort(outer?.reason);
  if (outer?.aborted) stop();
  else outer?.addEventListener('abort', stop);
  const limit = {
    signal: controller.signal,
    /** From now on there is no limit of time. */
    lift: () => clearTimeout(timer),
    /** The time begins anew. @param {number} ms */
    renew: (ms) => {
      clearTimeout(timer);
      if (ms < TIMER_MS_MAX) timer = setTimeout(() => controller.abort(reason()), ms);
    },
    /** Nothing is left on `outer`, which may live for long. */
    release: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', stop);
    },
  };
  limit.renew(ms);
  return limit;
}
