// A service of reports, which has the page and says by its schema what a report is. It keeps reports and
// does not work on them: each has ended at once.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { serveFile } from '../../files.js';

/** As schemars makes it of Rust's types. */
const DEFINITIONS = {
  Order: {
    type: 'object',
    required: ['title', 'kind', 'period', 'readers'],
    properties: {
      title: { type: 'string', minLength: 1, description: 'What it is about' },
      kind: { $ref: '#/components/schemas/Kind' },
      period: { $ref: '#/components/schemas/Period', description: 'The days that it covers' },
      maxPages: { type: ['integer', 'null'], format: 'uint32', minimum: 1 },
      isDraft: { type: 'boolean', default: false },
      readers: { type: 'array', items: { type: 'string', format: 'email' }, minItems: 1, maxItems: 3 },
      chapters: { type: 'array', items: { $ref: '#/components/schemas/Chapter' }, default: [] },
      printer: { anyOf: [{ $ref: '#/components/schemas/Printer' }, { type: 'null' }], description: 'Where it is printed' },
      source: { $ref: '#/components/schemas/Source' },
    },
  },
  Kind: { oneOf: [{ type: 'string', enum: ['monthly', 'yearly'] }, { type: 'string', const: 'special', description: 'For an occasion' }] },
  Period: { type: 'object', required: ['from', 'to'], properties: { from: { type: 'string', format: 'date' }, to: { type: 'string', format: 'date' } } },
  Chapter: { type: 'object', required: ['heading', 'text', 'weight'], properties: { heading: { type: 'string' }, text: { type: 'string' }, weight: { type: 'number', default: 1 } } },
  Printer: { type: 'object', required: ['room'], properties: { room: { type: 'string' }, isDuplex: { type: 'boolean', default: true } } },
  Source: { oneOf: [{ type: 'object', required: ['table'], properties: { table: { type: 'string' } } }, { type: 'object', required: ['url'], properties: { url: { type: 'string' } } }] },
};

export const EXAMPLE = { title: 'Sales', kind: 'monthly', period: { from: '2026-10-01', to: '2026-10-31' }, readers: ['ada@example.org'] };

/**
 * Serves while the test runs.
 *
 * @param {import('node:test').TestContext} test
 * @param {{ schema?: unknown, example?: unknown, check?: (report: any) => { pointer: string, detail: string }[] }} [options]
 *   what a report is, and what is wrong with one
 */
export async function serveReports(test, { schema = DEFINITIONS.Order, example = EXAMPLE, check = () => [] } = {}) {
  const document = {
    info: { 'x-collection': { path: 'reports', name: 'report' } },
    paths: { '/reports': { post: { requestBody: { content: { 'application/json': { example } } } } } },
    components: { schemas: { ...DEFINITIONS, Order: schema } },
  };
  const reports = [];
  const server = createServer(async (request, response) => {
    if (await serveFile(request, response)) return;
    const answer = (status, body, headers = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    const { pathname } = new URL(request.url, 'http://localhost');
    const index = Number(pathname.split('/').pop());
    if (pathname === '/openapi.json') return answer(200, document);
    if (request.method === 'POST' && pathname === '/reports') {
      const report = await new Response(request).json();
      const errors = check(report);
      if (errors.length > 0) return answer(422, { title: 'Not valid', status: 422, detail: 'not valid', errors }, { 'content-type': 'application/problem+json' });
      reports.push(report);
      const status = statusOf(reports.length - 1, 'pending');
      return answer(202, status, { location: status.links.status, 'retry-after': '1' });
    }
    if (pathname === '/reports') return answer(200, { reports: reports.map((_, index) => statusOf(index, 'completed')).reverse() });
    if (pathname.startsWith('/reports/status/')) return answer(303, {}, { location: `/reports/${index}` });
    if (pathname.startsWith('/reports/')) return answer(200, { id: idOf(index), status: 'completed', report: { ...reports[index], completedAt: '2026-11-22T09:00:00.000Z' } });
    return answer(404, { title: 'There is nothing here', status: 404 });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/`, reports };
}

function statusOf(index, status) {
  const at = new Date().toISOString();
  return { id: idOf(index), status, attempt: 1, maxAttempts: 5, createdAt: at, updatedAt: at, links: { status: `/reports/status/${index}`, result: `/reports/${index}` } };
}

function idOf(index) {
  return `0198c1f0-6f0a-7c4e-9d3b-${String(index).padStart(6, '0')}2f3c4d`;
}
