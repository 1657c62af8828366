// Where one waits for an order, and what is sent along: how a `202` leads there.

import { resolve } from './base-url.js';
import { ProtocolError } from './errors.js';

/** Headers that speak of the submitted body, or of the submission alone. */
const SUBMISSION_HEADERS = ['content-type', 'content-length', 'content-encoding', 'content-language', 'idempotency-key', 'prefer'];

/** The status of an order. */
export class StatusResource {
  #origin;

  /**
   * @param {string} url
   * @param {Headers} headers
   * @param {RequestCredentials} credentials
   * @param {{ origin?: string, base?: import('./base-url.js').BaseUrl | undefined }} [place] whom `headers` and
   *   `credentials` are meant for: by default the origin of `url`
   */
  constructor(url, headers, credentials, { origin = new URL(url).origin, base } = {}) {
    this.url = url;
    this.headers = headers;
    this.credentials = credentials;
    this.base = base;
    this.#origin = origin;
  }

  /** @param {string | URL} url @param {RequestInit} [init] */
  request(url, init) {
    // What was meant for one origin is not told to another.
    const isMeant = new URL(url).origin === this.#origin;
    const own = isMeant ? { headers: this.headers, credentials: this.credentials } : { credentials: /** @type {const} */ ('omit') };
    // Past the browser's cache: Chromium lets the requests for one URL into it one by one, so that a
    // cancellation would wait until a poll is answered that the server holds.
    return new Request(url, { ...own, cache: 'no-store', ...init });
  }

  /** What the server links, as a URL. @param {string} reference */
  resolve(reference) {
    return this.base ? this.base.resolve(reference, this.url) : resolve(reference, this.url);
  }
}

/**
 * Where a `202` says that the status is.
 *
 * @param {Request} submission
 * @param {Response} accepted
 * @param {import('./base-url.js').BaseUrl} [base]
 */
export async function statusResource(submission, accepted, base) {
  // From other origins a browser shows `Location` only if the server exposes it; the document links it too.
  const location = accepted.headers.get('location') ?? (await linkedStatus(accepted.clone()));
  if (location === undefined) throw new ProtocolError('a 202 has neither a Location nor a link to the status');
  const from = accepted.url || submission.url;
  const url = base ? base.resolve(location, from) : resolve(location, from);
  const headers = new Headers(submission.headers);
  for (const name of SUBMISSION_HEADERS) headers.delete(name);
  return new StatusResource(url.href, headers, submission.credentials, { origin: new URL(submission.url).origin, base });
}

/** @param {Response} response @returns {Promise<string | undefined>} */
async function linkedStatus(response) {
  const body = await response.json().catch(() => undefined);
  const link = body?.links?.status;
  return typeof link === 'string' ? link : undefined;
}
