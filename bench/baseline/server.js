// The baseline: the asynchronous pattern as it is mostly written, on Fastify with a timer.
//
// Orders are kept in memory, or in Redis if REDIS_SOCKET names its socket. Nothing here recovers
// work that was lost, fences its outcome or retries it: it is the least that answers alike.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import Fastify from "fastify";
import { createClient } from "redis";

const WORK_MS_MAX = 30_000;

// What orders are held to, as the service itself says.
const { components } = JSON.parse(readFileSync(new URL("../../clients/js/openapi.json", import.meta.url), "utf8"));
const schema = { body: components.schemas.Order };

async function openStore(socket) {
  if (!socket) {
    const records = new Map();
    return {
      get: async (id) => records.get(id),
      set: async (id, record) => void records.set(id, record),
    };
  }
  const client = createClient({ socket: { path: socket } });
  await client.connect();
  return {
    get: async (id) => JSON.parse(await client.get(`order_${id}`)),
    set: (id, record) => client.set(`order_${id}`, JSON.stringify(record)),
  };
}

const store = await openStore(process.env.REDIS_SOCKET);
const app = Fastify();

app.post("/orders", { schema }, async (request, reply) => {
  const id = randomUUID();
  const now = new Date().toISOString();
  const record = { id, status: "pending", createdAt: now, updatedAt: now, order: request.body };
  await store.set(id, record);
  const workMs = request.body.simulate?.ms ?? Math.random() * WORK_MS_MAX;
  setTimeout(() => {
    const at = new Date().toISOString();
    store.set(id, { ...record, status: "completed", updatedAt: at, order: { ...record.order, completedAt: at } });
  }, workMs);
  reply.code(202).header("location", `/orders/status/${id}`).header("retry-after", "1");
  return status(record);
});

app.get("/orders/status/:id", async (request, reply) => {
  const record = await store.get(request.params.id);
  if (!record) return reply.code(404).send({ title: "Order not found" });
  if (record.status === "completed") {
    return reply.code(303).header("location", `/orders/${record.id}`).send(status(record));
  }
  reply.header("retry-after", "1");
  return status(record);
});

app.get("/orders/:id", async (request, reply) => {
  const record = await store.get(request.params.id);
  return record ?? reply.code(404).send({ title: "Order not found" });
});

function status({ id, status, createdAt, updatedAt }) {
  const links = { status: `/orders/status/${id}`, result: `/orders/${id}` };
  return { id, status, createdAt, updatedAt, links };
}

console.log(`Serving ${await app.listen({ host: "127.0.0.1", port: 0 })}`);
