// The HTTP surface of every peer that has none of its own: what the service answers, on Fastify.
//
// A peer says how an order is taken and how it is found; the rest is alike for all, so that what
// differs between them is what keeps the orders and has them worked on.

import { readFileSync } from "node:fs";
import Fastify from "fastify";

// What orders are held to, as the service itself says.
const { components } = JSON.parse(readFileSync(process.env.OPENAPI, "utf8"));
const schema = { body: components.schemas.Order };

/**
 * Serves on a free port, and says where.
 *
 * `submit` takes an order and resolves to its record once that is durable; `find` resolves to the
 * record of an id. A record has `id`, `status`, `createdAt`, `updatedAt`, and `result` once it is completed.
 */
export async function serve({ submit, find }) {
  const app = Fastify({ ajv: { customOptions: { formats: { uint32: true } } } });

  app.post("/orders", { schema }, async (request, reply) => {
    const record = await submit(request.body);
    reply.code(202).header("location", `/orders/status/${record.id}`).header("retry-after", "1");
    return status(record);
  });

  app.get("/orders/status/:id", async (request, reply) => {
    const record = await find(request.params.id);
    if (!record) return reply.code(404).send({ title: "Order not found" });
    if (record.status === "completed") {
      return reply.code(303).header("location", `/orders/${record.id}`).send(status(record));
    }
    reply.header("retry-after", "1");
    return status(record);
  });

  app.get("/orders/:id", async (request, reply) => {
    const record = await find(request.params.id);
    return record?.result ?? reply.code(404).send({ title: "Order not found" });
  });

  console.log(`Serving ${await app.listen({ host: "127.0.0.1", port: 0 })}`);
}

function status({ id, status, createdAt, updatedAt }) {
  const links = { status: `/orders/status/${id}`, result: `/orders/${id}` };
  return { id, status, createdAt, updatedAt, links };
}
