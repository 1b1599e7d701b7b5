import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CancelledError, createCancellation, neverCancelled } from "../../core/index.js";
import { HttpCsvProvider, type HttpPatience } from "./http-csv.js";
import { isCutOff, parseRetryAfter } from "./http-text.js";
import { parseHeaders, providerConfigFrom } from "./provider-config.js";

const hour = 3_600_000;
const from = Date.parse("2024-01-02T00:00Z");
const request = { symbol: "BRK.B", timeframe: "1h", from, to: from + 5 * hour } as const;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let address: string;
/** What the server answers, one after the other; the last one stays. */
let answers: Answer[];
let asked: { url: string; headers: IncomingMessage["headers"] }[];

beforeEach(async () => {
  answers = [];
  asked = [];
  server = createServer((incoming, response) => {
    asked.push({ url: incoming.url ?? "", headers: incoming.headers });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function csv(count: number, first = from): string {
  const rows = Array.from(
    { length: count },
    (_, t) => `${new Date(first + t * hour).toISOString()},10,12,9,11.5,${t}`,
  );
  return `${["timestamp,open,high,low,close,volume", ...rows].join("\n")}\n`;
}

const ok =
  (body: string | Buffer, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(200, { "content-type": "text/csv", ...headers }).end(body);

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end("no");

function provider(
  patience: Partial<HttpPatience> = {},
  headers: Record<string, string> = {},
): HttpCsvProvider {
  const url = `${address}/bars/{timeframe}?s={symbol}&a={from}&b={to}&key=SECRET`;
  return new HttpCsvProvider({ url, headers }, { timeoutMs: 2000, backoffMs: 1, ...patience });
}

async function closesOf(fetching: Promise<{ close: Float64Array }>): Promise<number> {
  return (await fetching).close.length;
}

describe("answers", () => {
  test("the address is filled in and encoded, headers are sent, bars come back", async () => {
    answers = [ok(csv(5))];
    const bars = await provider({}, { Authorization: "Bearer SECRET" }).fetch(
      { ...request, symbol: "^GSPC" },
      neverCancelled,
    );
    expect(asked[0].url).toBe(
      "/bars/1h?s=%5EGSPC&a=2024-01-02T00%3A00%3A00Z&b=2024-01-02T05%3A00%3A00Z&key=SECRET",
    );
    expect(asked[0].headers.authorization).toBe("Bearer SECRET");
    expect([...bars.time]).toEqual([0, 1, 2, 3, 4].map((t) => from + t * hour));
    expect([...bars.close]).toEqual([11.5, 11.5, 11.5, 11.5, 11.5]);
    expect(bars).toMatchObject({ symbol: "^GSPC", timeframe: "1h" });
  });

  test("bars outside the asked range are left out", async () => {
    answers = [ok(csv(20, from - 5 * hour))];
    const bars = await provider().fetch(request, neverCancelled);
    expect([bars.time[0], bars.time.at(-1)]).toEqual([from, from + 4 * hour]);
  });

  test.each([
    ["204", status(204)],
    ["an empty body", ok("")],
    ["a header alone", ok("timestamp,open,high,low,close,volume\n")],
  ])("%s means that there was no trading", async (_, answer) => {
    answers = [answer];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(0);
  });

  test("a compressed answer is read", async () => {
    answers = [ok(gzipSync(csv(5)), { "content-encoding": "gzip" })];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(5);
  });

  test("a Friday and a Monday alone, one bar alone, and hours with a night between them are read", async () => {
    const header = "timestamp,open,high,low,close,volume\n";
    const days = { ...request, timeframe: "1d", to: from + 30 * 24 * hour } as const;
    answers = [
      ok(`${header}2024-01-05,10,12,9,11,1\n2024-01-08,10,12,9,11,1\n`),
      ok(`${header}2024-01-05,10,12,9,11,1\n`),
      ok(`${header}2024-01-02T04:00:00Z,10,12,9,11,1\n2024-01-03T00:00:00Z,10,12,9,11,1\n`),
    ];
    expect(await closesOf(provider().fetch(days, neverCancelled))).toBe(2);
    expect(await closesOf(provider().fetch(days, neverCancelled))).toBe(1);
    expect(await closesOf(provider().fetch({ ...days, timeframe: "1h" }, neverCancelled))).toBe(2);
  });

  test.each([
    ["a page of HTML", "<html><body>Sign in</body></html>\n".repeat(3)],
    ["JSON", '{"error": "unknown symbol"}\n'],
    [
      "times without zone",
      "timestamp,open,high,low,close,volume\n2024-01-02 04:00,10,12,9,11,1\n2024-01-02 05:00,10,12,9,11,1\n",
    ],
  ])("%s is refused, naming the provider", async (_, body) => {
    answers = [ok(body)];
    await expect(provider().fetch(request, neverCancelled)).rejects.toMatchObject({
      code: "PROVIDER_FAILED",
      isTransient: false,
    });
  });

  test("rows that cannot be read right are refused, with their number", async () => {
    answers = [ok(csv(5).replace("10,12,9,11.5,2", "10,8,9,11.5,2"))];
    await expect(provider().fetch(request, neverCancelled)).rejects.toThrow(/row 4/);
    expect(asked.length, "asking again would not help").toBe(1);
  });
});

describe("a server that fails", () => {
  test.each([500, 502, 503, 504, 429, 408])("%i is tried again", async (code) => {
    answers = [status(code), status(code), ok(csv(5))];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(5);
    expect(asked.length).toBe(3);
  });

  test.each([400, 401, 403, 404, 410])("%i is not tried again", async (code) => {
    answers = [status(code)];
    await expect(provider().fetch(request, neverCancelled)).rejects.toMatchObject({
      code: "PROVIDER_FAILED",
      isTransient: false,
      message: expect.stringContaining(`answered ${code}`) as string,
    });
    expect(asked.length).toBe(1);
  });

  test("attempts are bounded", async () => {
    answers = [status(500)];
    await expect(provider({ attempts: 3 }).fetch(request, neverCancelled)).rejects.toThrow("Tried 3 times");
    expect(asked.length).toBe(3);
  });

  test("errors name host, series and range, and never address or headers", async () => {
    answers = [status(500)];
    const failing = provider({ attempts: 2 }, { "X-Api-Key": "SECRET" }).fetch(request, neverCancelled);
    const error: Error = await failing.then(
      () => new Error("it did not fail"),
      (reason: Error) => reason,
    );
    expect(error.message).toContain('"BRK.B" 1h, 2024-01-02T00:00:00Z to 2024-01-02T05:00:00Z');
    expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toContain("SECRET");
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const refused = provider({ attempts: 1 }).fetch(request, neverCancelled);
    const lost: Error = await refused.then(
      () => new Error("it did not fail"),
      (reason: Error) => reason,
    );
    expect(lost.message).toContain("ECONNREFUSED");
    expect(`${lost.message}${lost.stack}${JSON.stringify(lost)}`).not.toContain("SECRET");
    server = createServer().listen(0);
  });

  test("a redirect is not followed: it could carry the headers elsewhere", async () => {
    answers = [status(302, { location: "http://127.0.0.1:1/" })];
    await expect(provider().fetch(request, neverCancelled)).rejects.toThrow("redirects (302)");
  });
});

describe("a server that limits the rate", () => {
  test("Retry-After is waited for", async () => {
    let first = 0;
    let second = 0;
    answers = [
      (incoming, response) => {
        first = performance.now();
        status(429, { "retry-after": "1" })(incoming, response);
      },
      (incoming, response) => {
        second = performance.now();
        ok(csv(5))(incoming, response);
      },
    ];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(5);
    expect(second - first).toBeGreaterThanOrEqual(990);
  });

  test("a wait longer than is bearable ends at once and says how long", async () => {
    answers = [status(429, { "retry-after": "3600" })];
    await expect(provider().fetch(request, neverCancelled)).rejects.toThrow("asks to wait 3600 s");
    expect(asked.length).toBe(1);
  });

  test.each([
    [null, null],
    ["120", 120_000],
    ["Wed, 21 Oct 2015 07:28:00 GMT", 5000],
    ["Wed, 21 Oct 2015 07:00:00 GMT", 0],
    ["soon", null],
  ])("Retry-After %s is %s ms", (header, expected) => {
    expect(parseRetryAfter(header, Date.parse("2015-10-21T07:27:55Z"))).toBe(expected);
  });
});

describe("a server that truncates", () => {
  const body = csv(5);

  test("a body shorter than its Content-Length is tried again", async () => {
    answers = [
      (_, response) => {
        response.writeHead(200, { "content-length": String(body.length) });
        response.write(body.slice(0, -40));
        setImmediate(() => response.destroy());
      },
      ok(body),
    ];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(5);
    expect(asked.length).toBe(2);
  });

  test("a chunked body that breaks off is tried again", async () => {
    answers = [
      (_, response) => {
        response.writeHead(200);
        response.write(body.slice(0, -40));
        setImmediate(() => response.destroy());
      },
      ok(body),
    ];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(5);
    expect(asked.length).toBe(2);
  });

  test.each([
    ["in a row", body.slice(0, -12)],
    ["in the last number of a row", body.slice(0, -1)],
  ])("a body that ends %s with the connection is tried again", async (_, cut) => {
    answers = [
      (incoming) => incoming.socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${cut}`),
      ok(body),
    ];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(5);
    expect(asked.length).toBe(2);
  });

  test("a compressed body that breaks off is tried again", async () => {
    const packed = gzipSync(body);
    answers = [ok(packed.subarray(0, packed.length - 12), { "content-encoding": "gzip" }), ok(body)];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(5);
  });

  test("with a whole body, a missing last line break alone is no sign", async () => {
    answers = [ok(body.trimEnd())];
    expect(await closesOf(provider().fetch(request, neverCancelled))).toBe(5);
    expect(isCutOff("a,b\n1,2", true)).toBe(false);
    expect(isCutOff("a,b\n1,2", false)).toBe(true);
    expect(isCutOff("a,b\n1,2\n", false)).toBe(false);
    expect(isCutOff("a,b\n1,2\n3", true)).toBe(true);
    expect(isCutOff("a;b;c\n1,5;2,5;1\n3,5;2\n", true)).toBe(true);
    expect(isCutOff("a;b\n1,5;2,5\n3;4\n", true), "decimal commas").toBe(false);
    expect(isCutOff('a,b\n"1,234",2\n999,3\n', true), "a separator inside quotes").toBe(false);
    expect(isCutOff("made by x, y, z\na,b\n1,2\n", true), "a comment line first").toBe(false);
  });
});

describe("a server that stalls", () => {
  test("silence before the first byte ends in a new attempt", async () => {
    answers = [() => undefined, ok(csv(5))];
    expect(await closesOf(provider({ timeoutMs: 100 }).fetch(request, neverCancelled))).toBe(5);
  });

  test("silence in the middle of a body ends in a new attempt", async () => {
    answers = [
      (_, response) => {
        response.writeHead(200);
        response.write(csv(2));
      },
      ok(csv(5)),
    ];
    expect(await closesOf(provider({ timeoutMs: 100 }).fetch(request, neverCancelled))).toBe(5);
  });

  test("a body larger than the limit is refused", async () => {
    answers = [ok(csv(5000))];
    await expect(provider({ maxBytes: 65_536 }).fetch(request, neverCancelled)).rejects.toThrow(
      "larger than",
    );
    expect(asked.length).toBe(1);
  });

  test("a cancel interrupts the request at once", async () => {
    const cancellation = createCancellation();
    answers = [() => cancellation.cancel()];
    await expect(provider({ timeoutMs: 60_000 }).fetch(request, cancellation.token)).rejects.toBeInstanceOf(
      CancelledError,
    );
  });

  test("a cancel interrupts the wait before the next attempt at once", async () => {
    const cancellation = createCancellation();
    answers = [
      (incoming, response) => {
        status(503)(incoming, response);
        setImmediate(() => cancellation.cancel());
      },
    ];
    const fetching = provider({ backoffMs: 50_000 }).fetch(request, cancellation.token);
    await expect(fetching).rejects.toBeInstanceOf(CancelledError);
    expect(asked.length).toBe(1);
  });

  test("a token without a signal of its own interrupts as well", async () => {
    const token = { isCancelled: false };
    answers = [() => (token.isCancelled = true)];
    await expect(provider({ timeoutMs: 60_000 }).fetch(request, token)).rejects.toBeInstanceOf(
      CancelledError,
    );
  });
});

describe("configuration", () => {
  test("without KTRDR_PROVIDER_URL there is no provider", () => {
    expect(HttpCsvProvider.fromEnvironment({})).toBeUndefined();
    expect(HttpCsvProvider.fromEnvironment({ KTRDR_PROVIDER_URL: "" })).toBeUndefined();
  });

  test("headers are Name: value lines", () => {
    expect(parseHeaders("Authorization: Bearer a:b\r\n\nX-Key:  7 ")).toEqual({
      Authorization: "Bearer a:b",
      "X-Key": "7",
    });
  });

  test.each([
    ["ftp://example.org/{symbol}", "http://"],
    ["example.org/{symbol}", "http://"],
    ["https://example.org/bars", "{symbol}"],
    ["https://example.org/{symbol}/{interval}", "{interval}"],
    ["https://{symbol}.example.org/", "host"],
    ["https://user:SECRET@example.org/{symbol}", "KTRDR_PROVIDER_HEADERS"],
  ])("%s is refused", (url, reason) => {
    expect(() => providerConfigFrom({ KTRDR_PROVIDER_URL: url })).toThrow(reason);
    expect(() => providerConfigFrom({ KTRDR_PROVIDER_URL: url })).not.toThrow("SECRET");
  });

  test.each(["no colon", "Bad Name: SECRET", "X: SECRET\u0001", ": SECRET"])(
    "the header line %j is refused without showing it",
    (line) => {
      expect(() => parseHeaders(`A: b\n${line}`)).toThrow("Line 2 of KTRDR_PROVIDER_HEADERS");
      expect(() => parseHeaders(`A: b\n${line}`)).not.toThrow("SECRET");
    },
  );
});
