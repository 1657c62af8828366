// pg-boss: a queue in PostgreSQL, whose jobs are the orders, and a worker in the same process.
//
// Set up for what costs it least: the worker takes jobs in batches, as often as its manual allows, and
// goes on without a pause while batches are full. With `notify` it would be told of each new job, take
// few at a time, and cost more an order, as was tried. PGHOST names the directory of the server's socket,
// which commits as it does by default: after its fsync.

import { setTimeout } from "node:timers/promises";
import { PgBoss } from "pg-boss";
import { serve } from "./http.js";
import { completed, workMs } from "./work.js";

const QUEUE = "orders";

const boss = new PgBoss({ host: process.env.PGHOST, user: "bench", database: "postgres" });
boss.on("error", (error) => console.error(error));
await boss.start();
await boss.createQueue(QUEUE, { retryLimit: 20, retryBackoff: true });
await boss.work(
  QUEUE,
  { batchSize: 100, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, perJobResults: true },
  (jobs) => Promise.all(jobs.map(work)),
);

async function work({ id, data }) {
  const ms = workMs(data);
  if (ms > 0) await setTimeout(ms);
  return { id, status: "completed", output: completed(data) };
}

await serve({
  submit: async (order) => {
    const now = new Date().toISOString();
    return { id: await boss.send(QUEUE, order), status: "pending", createdAt: now, updatedAt: now };
  },
  find: async (id) => {
    const [job] = await boss.findJobs(QUEUE, { id });
    if (!job) return undefined;
    const { state, createdOn, startedOn, completedOn, output } = job;
    return {
      id,
      status: state === "active" ? "processing" : state === "created" ? "pending" : state,
      createdAt: createdOn.toISOString(),
      updatedAt: (completedOn ?? startedOn ?? createdOn).toISOString(),
      result: output,
    };
  },
});
