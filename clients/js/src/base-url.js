// Where a service is, and what its references mean there.

import { ProtocolError } from './errors.js';

/**
 * Resolves what a server calls a URL: a `Location`, or a link of a document.
 *
 * @param {string} reference
 * @param {string | URL} from
 * @returns {URL} of HTTP; nothing else is asked for, whatever a server says
 */
export function resolve(reference, from) {
  /** @type {URL} */
  let url;
  try {
    url = new URL(reference, from);
  } catch (cause) {
    throw new ProtocolError(`the server refers to \`${reference}\`, which is no URL`, { cause });
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw new ProtocolError(`the server refers to \`${reference}\`, which is no URL of HTTP`);
}

/**
 * The place of a service. Behind a proxy that strips the prefix of `https://example.org/shop/`, the
 * service calls its own resources `/orders/…`: what it names at that origin and not below the
 * prefix is therefore looked for below it.
 */
export class BaseUrl {
  #url;

  /** @param {string | URL} url its last segment is a folder's, with or without a slash at the end */
  constructor(url) {
    // In a page a path alone is enough, as it is for `fetch`.
    this.#url = new URL(url, globalThis.document?.baseURI);
    if (!this.#url.pathname.endsWith('/')) this.#url.pathname += '/';
    this.#url.search = this.#url.hash = '';
  }

  get origin() {
    return this.#url.origin;
  }

  /** @param {string} reference @param {string | URL} [from] @returns {URL} */
  resolve(reference, from = this.#url) {
    return this.place(resolve(reference, from));
  }

  /** Whether a URL of the service's origin is where a redirect that nobody adapted leads. @param {URL} url */
  isAstray(url) {
    return url.origin === this.#url.origin && !url.pathname.startsWith(this.#url.pathname);
  }

  /** @param {URL} url */
  place(url) {
    return this.isAstray(url) ? new URL(`.${url.pathname}${url.search}`, this.#url) : url;
  }
}
