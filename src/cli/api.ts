import type { ApiClient } from "../service/manager/api-client.js";

/** The backend that `KTRDR_API_URL` names; null where commands do their work themselves. @throws UsageError */
export async function apiOf(env: NodeJS.ProcessEnv = process.env): Promise<ApiClient | null> {
  const url = env["KTRDR_API_URL"];
  if (!url) return null;
  const { ApiClient: Client } = await import("../service/manager/api-client.js");
  return new Client(url, env["KTRDR_API_TOKEN"] || env["KTRDR_TOKEN"] || null);
}

/** A model's name in an address: `<strategy>/<timeframe>_v<N>` stays two steps. */
export function modelPath(name: string): string {
  return `/models/${name.split("/").map(encodeURIComponent).join("/")}`;
}
