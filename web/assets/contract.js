// What the service says of itself: how its collection is called, and what is submitted to it.

import { fetchResult } from './client.js';

/** Where the service is: this page is its front door, below whatever prefix a proxy gives it. */
export const BASE_URL = new URL('.', document.baseURI).href;

/** How orders are called at a service that does not say. */
const ORDERS = { path: 'orders', name: 'order' };
/** How long a service may be too busy to say it. */
const TIMEOUT_MS = 30_000;

/**
 * @typedef {{ path: string, name: string }} Collection the segment of its path, and what one of it is called
 *
 * @typedef {object} Contract
 * @property {Collection} collection
 * @property {import('./schema.js').Schema} schema of what is submitted
 * @property {Record<string, import('./schema.js').Schema>} definitions what the schema refers to, by name
 * @property {unknown} example of what is submitted, if there is one
 */

/** @returns {Promise<Contract>} */
export async function fetchContract() {
  const response = await fetchResult(new URL('openapi.json', BASE_URL), {}, { timeout: TIMEOUT_MS });
  const { info, components, paths } = await response.json();
  /** @type {Collection} */
  const collection = info['x-collection'] ?? ORDERS;
  const content = paths[`/${collection.path}`]?.post?.requestBody?.content?.['application/json'];
  const schema = components.schemas.Order ?? {};
  const [first] = Object.values(content?.examples ?? {});
  return {
    collection,
    schema,
    definitions: { ...components.schemas, ...schema.$defs },
    example: content?.example ?? first?.value,
  };
}
