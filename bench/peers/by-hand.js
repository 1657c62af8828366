// The asynchronous pattern as it is mostly written: Fastify with a timer.
//
// Orders are kept in memory, or in Redis if REDIS_SOCKET names its socket. Nothing here recovers
// work that was lost, fences its outcome or retries it: it is the least that answers alike.

import { randomUUID } from "node:crypto";
import { createClient } from "redis";
import { serve } from "./http.js";
import { completed, workMs } from "./work.js";

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

async function submit(order) {
  const id = randomUUID();
  const now = new Date().toISOString();
  const record = { id, status: "pending", createdAt: now, updatedAt: now, order };
  await store.set(id, record);
  setTimeout(() => {
    const result = completed(order);
    const { createdAt } = record;
    store.set(id, { id, status: "completed", createdAt, updatedAt: result.completedAt, result });
  }, workMs(order));
  return record;
}

await serve({ submit, find: store.get });
