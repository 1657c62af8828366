// BullMQ: a queue in Redis, whose jobs are the orders, and a worker in the same process.
//
// As its manual has it: jobs are retried with exponential back-off, a worker that dies loses its
// lock, and what is completed is kept. REDIS_SOCKET names the socket of a Redis that answers a
// write after its fsync.

import { setTimeout } from "node:timers/promises";
import { Job, Queue, Worker } from "bullmq";
import { serve } from "./http.js";
import { completed, workMs } from "./work.js";

// Enough that an order never waits for another one's answer from Redis.
const CONCURRENCY = 100;

const connection = { path: process.env.REDIS_SOCKET, maxRetriesPerRequest: null };
const queue = new Queue("orders", {
  connection,
  defaultJobOptions: { attempts: 20, backoff: { type: "exponential", delay: 1000 } },
});
const worker = new Worker("orders", work, { connection, concurrency: CONCURRENCY });
await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);

async function work({ data }) {
  const ms = workMs(data);
  if (ms > 0) await setTimeout(ms);
  return completed(data);
}

function record({ id, timestamp, processedOn, finishedOn, failedReason, returnvalue }) {
  const at = (ms) => new Date(ms).toISOString();
  const ended = failedReason ? "failed" : "completed";
  return {
    id,
    status: finishedOn ? ended : processedOn ? "processing" : "pending",
    createdAt: at(timestamp),
    updatedAt: at(finishedOn ?? processedOn ?? timestamp),
    result: returnvalue,
  };
}

await serve({
  submit: async (order) => record(await queue.add("order", order)),
  find: async (id) => {
    const job = await Job.fromId(queue, id);
    return job && record(job);
  },
});
