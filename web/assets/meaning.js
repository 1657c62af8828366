// What an exchange means in the pattern.

import { wordsOf } from './words.js';

/** @typedef {import('./recorder.js').Exchange} Exchange */
/** @typedef {import('./contract.js').Collection} Collection */

/** Whether it asked for the result. @param {Exchange} exchange @param {Collection} collection */
export function isResult({ method, path, status }, collection) {
  return method === 'GET' && path.split('/').at(-2) === collection.path && status !== undefined;
}

/** What an exchange means in the pattern, in one sentence. @param {Exchange} exchange @param {Collection} collection */
export function meaning(exchange, collection) {
  const { method, path, status, error } = exchange;
  const header = (/** @type {string} */ name) => exchange.headers.find(([found]) => found === name)?.[1];
  const retryAfter = header('retry-after');
  if (error) return error;
  if (status === undefined) return isHeld(exchange) ? 'The service holds its answer until there is news.' : 'Sent.';
  if (status === 202) return `Accepted and stored, not done. Location says where to ask, Retry-After when: in ${retryAfter} s.`;
  if (status === 303) return 'Ended. Location leads to the result.';
  if (status === 503 || status === 429) return `Not now. To be repeated in ${retryAfter ?? 'some'} s.`;
  if (isResult(exchange, collection)) return resultMeaning(status, collection);
  if (header('content-type')?.startsWith('text/event-stream')) return 'The answer stays open; each change is an event.';
  if (method === 'DELETE' && status === 200) return 'Cancelled. A result that comes later is dropped.';
  if (status === 200 && header('preference-applied')) return 'Held back as long as was asked for; still open.';
  if (status === 200 && path.includes(`/${collection.path}/status/`)) return `Still open. Ask again in ${retryAfter} s.`;
  return status < 400 ? '' : 'A problem document says what is wrong.';
}

/** @param {number} status @param {Collection} collection */
function resultMeaning(status, collection) {
  if (status === 200) return 'The result.';
  if (status === 500) return `The ${wordsOf(collection).one} failed; the body says why.`;
  return status === 410 ? 'Cancelled: there will be no result.' : 'There is no result.';
}

/** @param {Exchange} exchange */
function isHeld({ sent }) {
  return sent.some(([name, value]) => name === 'prefer' || (name === 'accept' && value.includes('event-stream')));
}
