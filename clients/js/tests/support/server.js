// A server on a port of its own, which keeps what it was asked.

import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * Serves while the test runs.
 *
 * @param {import('node:test').TestContext} test
 * @param {(request: Seen, response: import('node:http').ServerResponse, server: { requests: Seen[] }) => void} handler
 */
export async function serve(test, handler) {
  /** @type {Seen[]} */
  const requests = [];
  const server = createServer(async (message, response) => {
    let body = '';
    for await (const chunk of message) body += chunk;
    const request = { method: message.method ?? '', path: message.url ?? '', headers: message.headers, body, at: performance.now() };
    requests.push(request);
    handler(request, response, { requests });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { origin: `http://127.0.0.1:${port}`, requests };
}

/**
 * @typedef {{ method: string, path: string, headers: import('node:http').IncomingHttpHeaders, body: string, at: number }} Seen
 */

/**
 * Answers with JSON.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {number} status
 * @param {Record<string, string>} headers
 * @param {unknown} [body]
 */
export function answer(response, status, headers, body) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

/**
 * Answers with a problem document.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {Record<string, string>} headers
 * @param {{ status: number } & Record<string, unknown>} problem
 */
export function answerProblem(response, headers, problem) {
  answer(response, problem.status, { 'content-type': 'application/problem+json', ...headers }, problem);
}

/** `GET /a`, for assertions. @param {Seen[]} requests */
export function lines(requests) {
  return requests.map(({ method, path }) => `${method} ${path}`);
}
