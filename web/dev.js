// Serves the page from its sources while one works on it, and passes everything else on to the
// host that ORDERS_URL names. Not part of the product: there, the api component serves these files.
//
//   ORDERS_URL=http://127.0.0.1:3000 node web/dev.js [PORT]

import { createServer, request as send } from 'node:http';

import { serveFile } from './files.js';

const host = new URL(process.env.ORDERS_URL ?? 'http://127.0.0.1:3000');

const server = createServer(async (request, response) => {
  if (!(await serveFile(request, response))) passOn(request, response);
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
