import { request } from "node:http";

/** A reply as tests look at it: status, and the body as JSON where it is some. */
export interface Reply {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- tests state by their expectations what a body must be
  readonly body: any;
  readonly text: string;
}

/** What to send: an object as JSON, a text as it is. */
export interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends one request over a real connection. Node's own client rather than `fetch`, which does not let a test choose the Host
 * header or send a path as it is.
 */
export function send(
  url: string,
  method: string,
  path: string,
  { body, headers = {} }: Sent = {},
): Promise<Reply> {
  const { hostname, port } = new URL(url);
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const type = text === undefined ? {} : { "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, method, path, headers: { ...type, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const received = Buffer.concat(chunks).toString("utf8");
        const isJson = String(response.headers["content-type"]).includes("json");
        resolve({
          status: response.statusCode ?? 0,
          body: isJson ? (JSON.parse(received) as unknown) : null,
          text: received,
        });
      });
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(text);
  });
}

/** An event of a stream. */
export interface StreamEvent {
  readonly id: number | null;
  readonly event: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  readonly data: any;
}

/** Reads server-sent events as they come, to the end of the stream. */
export async function* follow(
  url: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): AsyncGenerator<StreamEvent> {
  const response = await fetch(`${url}${path}`, { headers });
  if (response.body === null || response.status !== 200) throw new Error(`${response.status} for ${path}`);
  let rest = "";
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    rest += text;
    for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
      const lines = rest.slice(0, end).split("\n");
      rest = rest.slice(end + 2);
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const [event, data, id] = [field("event"), field("data"), field("id")];
      if (event === undefined || data === undefined) continue;
      yield { id: id === undefined ? null : Number(id), event, data: JSON.parse(data) as unknown };
    }
  }
}
