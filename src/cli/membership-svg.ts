import { roundTicks, type MembershipCurves } from "./membership-plot.js";

/** Colours that people with any colour vision tell apart. @see Okabe & Ito, Color Universal Design (2008) */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => escapes[character]);

const width = 720;
const left = 48;
const right = 16;
const top = 40;
const plotHeight = 260;
const bottom = top + plotHeight;

/** The curves as an SVG document: one line per set, the observed values as grey bars, axes and a legend. */
export function plotSvg(curves: MembershipCurves): string {
  const { x, sets, observed, axis } = curves;
  const from = x[0];
  const to = x[x.length - 1];
  const across = (value: number): string =>
    (left + ((value - from) / (to - from)) * (width - left - right)).toFixed(1);
  const up = (degree: number): string => (bottom - degree * plotHeight).toFixed(1);
  const parts: string[] = [];

  if (observed !== null) {
    const highest = Math.max(1, ...observed);
    const path = [...observed]
      .map((count, k) => (count === 0 ? "" : `M${across(x[k])} ${bottom}V${up((0.3 * count) / highest)}`))
      .join("");
    const barWidth = ((width - left - right) / x.length).toFixed(2);
    parts.push(
      `<path d="${path}" stroke="#ccc" stroke-width="${barWidth}"><title>observed values</title></path>`,
    );
  }
  for (const degree of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(`<path d="M${left} ${up(degree)}H${width - right}" stroke="#ddd"/>`);
    parts.push(`<text x="${left - 8}" y="${up(degree)}" dy="4" text-anchor="end">${degree}</text>`);
  }
  for (const tick of roundTicks(from, to, 9)) {
    parts.push(`<path d="M${across(tick)} ${bottom}v5" stroke="#666"/>`);
    parts.push(`<text x="${across(tick)}" y="${bottom + 18}" text-anchor="middle">${tick}</text>`);
  }
  parts.push(
    `<text x="${(left + width - right) / 2}" y="${bottom + 38}" text-anchor="middle">${escaped(axis)}</text>`,
  );

  sets.forEach(({ name, formula, degrees }, k) => {
    const colour = colours[k % colours.length];
    const dashes = k < colours.length ? "" : ` stroke-dasharray="${4 * Math.floor(k / colours.length)} 3"`;
    const points = [...degrees].map((degree, i) => `${across(x[i])},${up(degree)}`).join(" ");
    parts.push(`<polyline points="${points}" fill="none" stroke="${colour}" stroke-width="2"${dashes}/>`);
    const y = bottom + 62 + 20 * k;
    parts.push(`<path d="M${left} ${y - 4}h24" stroke="${colour}" stroke-width="2"${dashes}/>`);
    parts.push(`<text x="${left + 32}" y="${y}">${escaped(`${name}: ${formula}`)}</text>`);
  });

  const height = bottom + 62 + 20 * sets.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${left}" y="24" font-size="15">Membership functions of ${escaped(curves.featureId)}</text>`,
    ...parts,
    `</svg>`,
    "",
  ].join("\n");
}
