// The client as it is published with the pattern, written down from what it does, call for call and
// outcome for outcome. It knows nothing of this package; what people paste does what this does.

/**
 * @param {RequestInfo | URL} input
 * @param {any} [init] the second argument of `fetch`, or already the function
 * @param {(poll: { response: Response, retryAfter: number }) => unknown} [onStatusPoll]
 * @returns {Promise<any>}
 */
export async function published(input, init, onStatusPoll) {
  const isShort = typeof init === 'function';
  const tell = (isShort ? init : onStatusPoll) ?? (() => {});
  const start = await fetch(input, isShort ? undefined : init);
  if (start.status !== 202) throw new Error(`not accepted: ${await start.text()}`);
  const status = new URL(String(start.headers.get('location')), new URL(start.url).origin);

  for (;;) {
    const response = await fetch(status, { redirect: 'follow' });
    if (response.redirected) return response.json();
    if (response.status !== 200) throw new Error(`not known: ${JSON.stringify(await response.json())}`);
    const retryAfter = Number.parseInt(String(response.headers.get('retry-after')), 10) || 10;
    await tell({ response, retryAfter });
    await new Promise((resolve) => setTimeout(resolve, retryAfter * 1000));
  }
}
