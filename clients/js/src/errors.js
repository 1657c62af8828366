// What can go wrong while one waits for a result. An abort is not here: it rejects with the
// signal's reason, as `fetch` does.

/**
 * A problem document. RFC 9457 (section 3.1) makes every member optional.
 * @typedef {Partial<import('./types.d.ts').Problem>} Problem
 */
/** @typedef {import('./types.d.ts').Failure} Failure */
/** @typedef {import('./types.d.ts').Fault} Fault */

/** Any error of this package. */
export class AsyncOrdersError extends Error {
  /**
   * The URL of the order's status, once the order was accepted. With `waitFor` one can go on waiting there.
   * @type {string | undefined}
   */
  statusUrl = undefined;

  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No answer came, after all retries. Whether a request without an idempotency key had an effect is not known. */
export class NetworkError extends AsyncOrdersError {}

/** The result did not come within `timeout`. The order goes on; `statusUrl` says where to ask. */
export class WaitTimeoutError extends AsyncOrdersError {}

/** The server's answer does not follow the pattern. */
export class ProtocolError extends AsyncOrdersError {}

/** The server answered with an error status. */
export class ResponseError extends AsyncOrdersError {
  /**
   * @param {string} message
   * @param {Response} response its body has been read
   * @param {unknown} body the body: parsed if it is JSON, else text
   */
  constructor(message, response, body) {
    super(message);
    /** The HTTP status. */
    this.status = response.status;
    this.response = response;
    this.body = body;
    /**
     * The problem document (RFC 9457), if the server sent one.
     * @type {Problem | undefined}
     */
    this.problem = mediaType(response) === 'application/problem+json' ? /** @type {Problem} */ (body) : undefined;
  }
}

/** `401` or `403`: the token is missing, wrong, or does not suffice. */
export class UnauthorizedError extends ResponseError {}

/** `404`: there is no such order, or it is someone else's. */
export class NotFoundError extends ResponseError {}

/** `409`: the order's state does not allow it, such as cancelling an order that has ended. */
export class ConflictError extends ResponseError {}

/** `400`, `413`, `415` or `422`: the request must be corrected; repeating it is of no use. */
export class InvalidRequestError extends ResponseError {
  /**
   * Every fault of an invalid order.
   * @returns {Fault[]}
   */
  get faults() {
    return this.problem?.errors ?? [];
  }
}

/** `429`, `502`, `503` or `504`, after all retries: it may work later. */
export class UnavailableError extends ResponseError {}

/** The order was accepted, and failed. */
export class OrderFailedError extends ResponseError {
  /**
   * Why.
   * @returns {Failure}
   */
  get failure() {
    return /** @type {{ error: Failure }} */ (this.body).error;
  }
}

/** The order was cancelled. */
export class OrderCancelledError extends ResponseError {}

/**
 * The error that a response with an error status means.
 *
 * @param {Response} response its body is read
 * @returns {Promise<ResponseError>}
 */
export async function errorOf(response) {
  const body = await readBody(response);
  const { status, error } = /** @type {{ status?: unknown, error?: Failure }} */ (Object(body));
  const { title, detail } = /** @type {Problem} */ (Object(body));
  if (status === 'failed' && error) {
    return new OrderFailedError(`the order failed: ${error.message}`, response, body);
  }
  if (status === 'cancelled') {
    return new OrderCancelledError('the order was cancelled', response, body);
  }
  const reason = detail ?? title ?? response.statusText;
  return new (classOf(response.status))(`${response.status}${reason && ` ${reason}`}`, response, body);
}

/** @param {number} status */
function classOf(status) {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return InvalidRequestError;
    case 401:
    case 403:
      return UnauthorizedError;
    case 404:
      return NotFoundError;
    case 409:
      return ConflictError;
    case 429:
    case 502:
    case 503:
    case 504:
      return UnavailableError;
    default:
      return ResponseError;
  }
}

/**
 * @param {Response} response
 * @returns {Promise<unknown>} parsed if it is JSON, else text
 */
async function readBody(response) {
  // An error is told by its status even if its body breaks off.
  const text = await response.text().catch(() => '');
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * The type of a response's body, without parameters.
 * @param {Response} response
 */
export function mediaType(response) {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase();
}
