import { z } from "zod";
import { commonReplies } from "../http/server.js";

/** A reply with data of some kind. */
export function dataReply<Data extends z.ZodType>(data: Data) {
  return { 200: z.object({ success: z.literal(true), data }), ...commonReplies };
}

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

/** How many rows a reply has at most; the newest are sent. */
export const rowsShape = {
  limit: z.coerce.number().int().min(1).max(100_000).default(1000).describe("Rows at most: the newest."),
} as const;
