import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backtest, defaultSettings, loadStrategy } from "../src/index.js";
import { reportPage } from "../src/cli/backtest-report.js";
import { makeBars } from "./bars.js";
import { describeWithChromium, startChromium } from "./chromium.js";
import { temporaryFolder } from "./temporary-folder.js";

/** The page of a back-test with a trade every `every` bars, as a file. */
function pageFile(count: number, every: number, title = "Model example/1d_v1"): string {
  const intraday = count > 5000;
  const bars = makeBars({ count, timeframe: intraday ? "1m" : "1d", volatility: intraday ? 0.001 : 0.015 });
  const half = Math.floor(every / 2);
  const signals = Int8Array.from({ length: count }, (_, t) =>
    t % every === 0 ? 1 : t % every === half ? -1 : 0,
  );
  const settings = { ...defaultSettings, commission: 0.0005, stopLoss: 0.05 };
  const result = backtest({ bars, signals, settings, trials: 1, seen: 0, seed: 1 });
  const { fuzzy } = loadStrategy("config/strategies/example.yaml");
  const outcome = { bars, signals, settings, confidenceThreshold: 0.5, backtest: result, fuzzy, notices: [] };
  const file = join(temporaryFolder(), "report.html");
  writeFileSync(file, reportPage(title, outcome, ["A warning with <b>signs</b> & more"]));
  return file;
}

describeWithChromium("the report of a back-test in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());

  /** Opens a page from disk, and gathers what it complains of and asks the network for. */
  async function open(file: string, colorScheme: "light" | "dark", width: number) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
    const problems: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) problems.push(`asks for ${request.url()}`);
    });
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector("html[data-drawn=yes]");
    return { page, problems };
  }

  /** How many colours the largest canvas has; a chart that was not drawn has one. Text, as the types here are Node's. */
  const coloursDrawn = `(() => {
    const canvases = [...document.querySelectorAll("canvas")].sort((a, b) => b.width * b.height - a.width * a.height);
    const { data } = canvases[0].getContext("2d").getImageData(0, 0, canvases[0].width, canvases[0].height);
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
    return colours.size;
  })()`;

  test.each([
    ["light", 1280],
    ["light", 390],
    ["dark", 1280],
    ["dark", 390],
  ] as const)(
    "%s, %i points wide: no complaint, nothing from the network, charts drawn, no sideways scrolling",
    async (scheme, width) => {
      const { page, problems } = await open(pageFile(600, 20), scheme, width);
      await expect.poll(() => page.evaluate(coloursDrawn)).toBeGreaterThan(3);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(await page.locator("#trades tbody tr").count()).toBeGreaterThan(20);
      expect(await page.locator(".memberships svg polyline").count(), "fuzzy sets of the example").toBe(8);
      expect(await page.locator(".months tbody tr").count(), "years").toBe(2);
      expect(await page.locator(".warnings").textContent()).toContain("<b>signs</b> & more");
      const background = await page.evaluate("getComputedStyle(document.body).backgroundColor");
      expect(background).toBe(scheme === "dark" ? "rgb(17, 20, 26)" : "rgb(246, 247, 249)");
      expect(problems).toEqual([]);
      await page.close();
    },
  );

  test("a change of the reader's colours repaints, a trade's row shows it", async () => {
    const { page, problems } = await open(pageFile(600, 20), "light", 1280);
    await page.emulateMedia({ colorScheme: "dark" });
    await expect
      .poll(() => page.evaluate("getComputedStyle(document.body).backgroundColor"))
      .toBe("rgb(17, 20, 26)");
    await page.locator("#trades tbody tr").nth(5).click();
    await page.locator("#zoom button").first().click();
    expect(problems).toEqual([]);
    await page.close();
  });

  test("150,000 bars and 7,500 trades: candles are gathered, rows come in pieces, trades appear on zooming in", async () => {
    const { page, problems } = await open(pageFile(150_000, 20), "dark", 1280);
    expect(await page.locator("#chart-note").textContent()).toMatch(
      /Each candle stands for 2 bars\. Zoom in to see the trades\./,
    );
    const rows = page.locator("#trades tbody tr");
    expect(await rows.count()).toBe(200);
    await page.locator("#more").click();
    expect(await rows.count()).toBe(400);
    await page.getByRole("button", { name: "Last 250 bars" }).click();
    await expect.poll(() => page.locator("#chart-note").textContent()).not.toContain("Zoom in");
    expect(problems).toEqual([]);
    await page.close();
  });

  test("names cannot break out of their places", async () => {
    const { page, problems } = await open(
      pageFile(60, 10, "</script><script>alert(1)</script>"),
      "light",
      800,
    );
    expect(await page.locator("h1").textContent()).toContain("</script><script>alert(1)</script>");
    expect(problems).toEqual([]);
    await page.close();
  });
});
