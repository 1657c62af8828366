// The page's files from their sources, as the api component serves them.

import { readFile } from 'node:fs/promises';

const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Answers with a file of the page; returns whether the path is that of one. */
export async function serveFile(request, response) {
  const path = request.url.split('?')[0];
  const file = path === '/' ? '/index.html' : path;
  if (file !== '/index.html' && !/^\/assets\/[a-z-]+\.(css|js|svg)$/.test(file)) return false;
  // The page's modules and the client's share one flat folder.
  const places = [`.${file}`, file.replace('/assets/', '../clients/js/src/')];
  for (const place of places) {
    const bytes = await readFile(new URL(place, import.meta.url)).catch(() => undefined);
    if (!bytes) continue;
    response.writeHead(200, { 'content-type': TYPES[file.split('.').pop()], 'content-security-policy': POLICY, 'cache-control': 'no-store' });
    response.end(bytes);
    return true;
  }
  response.writeHead(404).end();
  return true;
}
