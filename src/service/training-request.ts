import type { z } from "zod";
import type { SessionConfig } from "../orchestration/index.js";
import type { startSchema } from "./host/host-service.js";

/** The body of a start at the host. */
export type StartBody = z.infer<typeof startSchema>;

/** The fields of a request that change what the strategy says, and what they are called in a run's configuration. */
const names = {
  symbols: "symbols",
  timeframes: "timeframes",
  start_date: "startDate",
  end_date: "endDate",
  seed: "seed",
  epochs: "epochs",
  engine: "engine",
  threads: "threads",
  data_mode: "dataMode",
  trials: "trials",
  max_memory_bytes: "maxMemoryBytes",
} as const satisfies Partial<Record<keyof StartBody, keyof SessionConfig>>;

/** Those fields of a request; what is left out is the strategy's. */
export type RequestFields = Partial<Pick<StartBody, keyof typeof names>>;

/** The same in a configuration. */
export type RequestSettings = Partial<Pick<SessionConfig, (typeof names)[keyof typeof names]>>;

/** What a request sets of a configuration. */
export function settingsOf(fields: RequestFields): RequestSettings {
  return renamed(fields, Object.entries(names));
}

/** The fields of a request for these settings. */
export function fieldsOf(settings: RequestSettings): RequestFields {
  return renamed(
    settings,
    Object.entries(names).map(([field, name]) => [name, field]),
  );
}

/** What is set, under the other names. */
function renamed(from: object, pairs: readonly (readonly [string, string])[]): object {
  const values = from as Record<string, unknown>;
  return Object.fromEntries(
    pairs.filter(([name]) => values[name] !== undefined).map(([name, other]) => [other, values[name]]),
  );
}
