// Serves the page from its sources while one works on it, and passes everything else on to the
// host that ORDERS_URL names. Not part of the product: there, the api component serves these files.
//
//   ORDERS_URL=http://127.0.0.1:3000 node web/dev.js [PORT]

import { readFile } from 'node:fs/promises';
import { createServer, request as send } from 'node:http';

const host = new URL(process.env.ORDERS_URL ?? 'http://127.0.0.1:3000');
const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const server = createServer(async (request, response) => {
  const path = request.url.split('?')[0];
  const file = path === '/' ? '/index.html' : path;
  if (file !== '/index.html' && !/^\/assets\/[a-z-]+\.(css|js|svg)$/.test(file)) return passOn(request, response);
  // The page's modules and the client's share one flat folder.
  const places = [`.${file}`, file.replace('/assets/', '../clients/js/src/')];
  for (const place of places) {
    const bytes = await readFile(new URL(place, import.meta.url)).catch(() => undefined);
    if (!bytes) continue;
    response.writeHead(200, { 'content-type': TYPES[file.split('.').pop()], 'content-security-policy': POLICY, 'cache-control': 'no-store' });
    return response.end(bytes);
  }
  response.writeHead(404).end();
});

function passOn(request, response) {
  const onward = send(new URL(request.url, host), { method: request.method, headers: { ...request.headers, host: host.host } }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', (error) => response.headersSent ? response.destroy() : response.writeHead(502).end(String(error)));
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
