import type { FastifyReply } from "fastify";
import { z } from "zod";
import { commonReplies, goneSignal } from "../http/server.js";
import type { ReplyName, TaskInput } from "../tasks.js";
import type { TaskThreads } from "../task-threads.js";

/** A reply with data of some kind. */
export function dataReply<Data extends z.ZodType>(data: Data) {
  return { 200: z.object({ success: z.literal(true), data }), ...commonReplies };
}

/** What the command line says on stderr beside the data. */
const notices = z.array(z.string()).describe("What the command line says beside the data.");

/** A reply with rows of a table over bars. */
export const tableReply = {
  200: z.object({
    success: z.literal(true),
    sample: z.boolean().describe("Whether the bars are sample bars."),
    notices,
    data: z.array(z.looseObject({}) as z.ZodType<object>),
  }),
  ...commonReplies,
};

/** Fields that the command line's `--json` has too; docs/host-api.md says where they are described. */
export const record = z.looseObject({}) as z.ZodType<object>;

/** Records of one kind. */
export const records = z.array(record);

/** What every route wraps its data in. */
export function success<Data>(data: Data): { success: true; data: Data } {
  return { success: true, data };
}

/** A short text of a request. */
export const word = z.string().min(1).max(100);

/** A range of days, both included; without them, all bars that are stored. */
export const rangeShape = {
  start_date: word.optional().describe("First day, included."),
  end_date: word.optional().describe("Last day, included whole."),
} as const;

/** Which rows a reply has. */
export const rowsShape = {
  limit: z.coerce.number().int().min(1).max(1_000_000).default(1000).describe("Rows at most: the newest."),
  skip: z.coerce.number().int().min(0).max(100_000_000).default(0).describe("Newest rows to leave out."),
} as const;

/** Sends what a task replies, made on another thread; the task is told to stop when whoever asked is gone. */
export async function sendTask<Name extends ReplyName>(
  reply: FastifyReply,
  threads: TaskThreads,
  name: Name,
  input: TaskInput<Name>,
): Promise<never> {
  const bytes = await threads.reply(name, input, goneSignal(reply));
  // Bytes of JSON as they are: making them here would keep this thread from answering others.
  return reply.type("application/json; charset=utf-8").send(Buffer.from(bytes.buffer)) as unknown as never;
}
