// A service as the HTTP contract has it, with one order that the test moves on. Holds answers and
// streams changes as it is asked to; knows nothing of time.

import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';

import { answer, answerProblem, serve } from './server.js';

const ID = '0198c1f0-6f0a-7c4e-9d3b-5a1e2f3c4d5e';
const STATUS = `/orders/status/${ID}`;
const RESULT = `/orders/${ID}`;
export const ORDER = JSON.parse(await readFile(new URL('../../../../orders/example.json', import.meta.url), 'utf8'));
export const POST = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(ORDER) };

/**
 * @param {import('node:test').TestContext} test
 * @param {{ token?: string, stream?: boolean, wait?: boolean, retryAfter?: string }} [offers]
 */
export async function startService(test, { token, stream = true, wait = true, retryAfter = '0' } = {}) {
  const changes = new EventEmitter();
  let revision = 1;
  const status = () => ({ ...document, links: { status: STATUS, result: RESULT, ...(isOpen() && { cancel: STATUS }) } });
  const document = { id: ID, status: 'pending', attempt: 0, maxAttempts: 5, createdAt: '2026-11-22T09:00:00.000Z', updatedAt: '2026-11-22T09:00:00.000Z' };
  const isOpen = () => ['pending', 'processing'].includes(document.status);
  const service = {
    STATUS,
    RESULT,
    /** Moves the order on. @param {object} change */
    move(change) {
      Object.assign(document, change);
      revision += 1;
      changes.emit('change');
    },
    /** Resolves when the service has been asked for something. @param {string} name `held`, `streamed`, `polled` or `cancelled` */
    async sees(name) {
      await once(changes, name);
    },
  };
  const server = await serve(test, async (request, response) => {
    if (token && request.headers.authorization !== `Bearer ${token}`) {
      return answerProblem(response, { 'www-authenticate': 'Bearer' }, { type: '/problems/unauthorized', title: 'A token is needed', status: 401 });
    }
    const route = `${request.method} ${request.path}`;
    const headers = { 'retry-after': retryAfter };
    if (route === 'POST /orders') return answer(response, 202, { ...headers, location: STATUS }, status());
    if (route === `GET ${RESULT}`) return answerResult(response);
    if (route === `DELETE ${STATUS}`) {
      if (!isOpen()) return answerProblem(response, {}, { title: 'The order has already ended', status: 409 });
      service.move({ status: 'cancelled' });
      answer(response, 200, {}, status());
      return changes.emit('cancelled');
    }
    if (route !== `GET ${STATUS}`) return answerProblem(response, {}, { title: 'There is nothing at this path', status: 404 });
    if (isOpen() && stream && request.headers.accept?.includes('text/event-stream')) return answerStream(request, response);
    if (isOpen() && wait && request.headers.prefer) {
      setImmediate(() => changes.emit('held'));
      while (isOpen()) await once(changes, 'change');
      Object.assign(headers, { 'preference-applied': request.headers.prefer });
    }
    if (isOpen()) {
      answer(response, 200, headers, status());
      return changes.emit('polled');
    }
    answer(response, 303, { location: RESULT }, { id: ID, status: document.status, links: { result: RESULT } });
  });

  /** @param {import('node:http').ServerResponse} response */
  function answerResult(response) {
    if (document.status === 'completed') return answer(response, 200, {}, { id: ID, status: 'completed', order: ORDER });
    if (document.status === 'failed') return answer(response, 500, {}, { id: ID, status: 'failed', error: { code: 'permanent', message: 'no tea' } });
    if (document.status === 'cancelled') return answer(response, 410, {}, { id: ID, status: 'cancelled', cancelledAt: document.updatedAt });
    return answerProblem(response, {}, { title: 'The order has no result yet', status: 404, links: { status: STATUS } });
  }

  /**
   * @param {import('./server.js').Seen} request
   * @param {import('node:http').ServerResponse} response
   */
  async function answerStream(request, response) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': keep-alive\n\n');
    const send = () => response.write(`id: ${revision}\nevent: status\ndata: ${JSON.stringify(status())}\n\n`);
    if (request.headers['last-event-id'] !== String(revision)) send();
    const change = () => {
      if (isOpen()) return send();
      changes.off('change', change);
      response.end(`event: ended\ndata: ${JSON.stringify({ id: ID, status: document.status, links: { result: RESULT } })}\n\n`);
    };
    changes.on('change', change);
    service.cutStream = () => {
      changes.off('change', change);
      response.destroy();
    };
    changes.emit('streamed');
  }

  return Object.assign(service, server);
}
