// Restate: its server, and a service whose invocations are the orders.
//
// Clients speak to the server's own ingress, as they are meant to: it answers 202 once an invocation
// is durable, and an invocation's output by its id. DATA names the directory that it keeps them in.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import * as http2 from "node:http2";
import * as restate from "@restatedev/restate-sdk";
import { completed, workMs } from "./work.js";

const orders = restate.service({
  name: "orders",
  handlers: {
    work: async (context, order) => {
      const ms = workMs(order);
      if (ms > 0) await context.sleep(ms);
      return completed(order);
    },
  },
});
const endpoint = http2.createServer(restate.createEndpointHandler({ services: [orders] }));
await new Promise((resolve) => endpoint.listen(0, "127.0.0.1", resolve));

const program = createRequire(import.meta.url).resolve(
  `@restatedev/restate-server-linux-${process.arch}/bin/restate-server`,
);
const options = ["--no-logo", "--use-random-ports=true", "--listen-mode=tcp", "--bind-ip=127.0.0.1"];
const server = spawn(program, [...options, "--base-dir", process.env.DATA], {
  env: { ...process.env, RESTATE_LOG_FORMAT: "json", RESTATE_DISABLE_TELEMETRY: "true" },
  stdio: ["ignore", "pipe", "pipe"],
});
server.on("exit", (code) => process.exit(code ?? 1));
server.stderr.resume();

const ports = {};
const lines = createInterface({ input: server.stdout });
await new Promise((resolve) => {
  lines.on("line", (line) => {
    const span = line.includes("istening") ? JSON.parse(line).span : undefined;
    if (span) ports[span.server_name] = span["server.port"];
    if (ports["http-ingress-server"] && ports["admin-api-server"]) resolve();
  });
});
const registered = await fetch(`http://127.0.0.1:${ports["admin-api-server"]}/deployments`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ uri: `http://127.0.0.1:${endpoint.address().port}` }),
});
if (!registered.ok) throw new Error(await registered.text());
console.log(`Serving http://127.0.0.1:${ports["http-ingress-server"]}`);
