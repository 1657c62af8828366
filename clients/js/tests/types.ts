// What a user of the types relies on; `npm run check` compiles it, nothing runs it.

import { InvalidRequestError, OrderFailedError, OrdersClient, fetchAndWait, fetchResult, waitFor } from '../src/client.js';
import type { CompletedOrder, Status } from '../src/client.js';
import order from '../../../orders/example.json' with { type: 'json' };

const init: RequestInit = { method: 'POST', body: JSON.stringify(order) };

const asPublished: Promise<CompletedOrder> = fetchAndWait('/orders', init, async ({ response, retryAfter }) => {
  const seconds: number = retryAfter;
  return [await response.json(), seconds];
});
const withoutInit: Promise<unknown> = fetchAndWait('/orders', ({ retryAfter }) => retryAfter);
const alone: Promise<unknown> = fetchAndWait(new URL('https://example.org/orders'));
const withOptions: Promise<Response> = fetchResult('/orders', init, {
  signal: new AbortController().signal,
  timeout: 1000,
  wait: 5,
  cancelOnAbort: true,
  idempotencyKey: true,
  onStatus: (document, { via, nextPollMs }) => {
    const status: Status = document.status;
    const pause: number | undefined = nextPollMs;
    return [status, via, pause];
  },
});
const later: Promise<Response> = waitFor('/orders/status/1', { headers: { authorization: 'Bearer t' } }, { stream: false });

const client = new OrdersClient({ baseUrl: 'https://example.org/', token: () => undefined });
const completed: Promise<CompletedOrder> = client.submit(order).then((accepted) => client.wait(accepted));

const reports = new OrdersClient<{ title: string }, { pages: number }>({ baseUrl: 'https://example.org/', collection: 'reports' });
const pages: Promise<number | undefined> = reports.submit({ title: 'Quarter' }).then((accepted) => reports.wait(accepted)).then(({ result }) => result?.pages);
// @ts-expect-error a report has a title
reports.submit({});
// @ts-expect-error the time is in milliseconds
fetchResult('/orders', init, { timeout: '1s' });

export function told(error: unknown): string {
  if (error instanceof OrderFailedError) return error.failure.code;
  if (error instanceof InvalidRequestError) return error.faults.map((fault) => fault.pointer).join();
  return String(error);
}

export { asPublished, withoutInit, alone, withOptions, later, completed, pages };
