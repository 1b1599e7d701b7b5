/** How a file writes numbers: which sign is the decimal point; the other one groups thousands. */
export type DecimalSign = "." | ",";

const grouped = /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/;
// Escapes keep the bundles plain ASCII, which V8 holds in half the memory.
const currencySign = /^([+-]?)([$\u20AC\u00A3\u00A5])\s*/; // dollar, euro, pound, yen

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const digit = c >= 48 && c <= 57;
    if (!digit && c !== 46 && c !== 45 && c !== 43 && c !== 101 && c !== 69) return false;
  }
  return text.length > 0;
}

/**
 * A number as market files write it: `1234.5`, `1.2e3`, `1,234.5` (thousands in groups of three), `$12.5`; with a decimal
 * comma `1.234,5`. NaN for anything else, the empty text, `NaN` and `0x10` among them; may be infinite (`1e999`).
 */
export function parseNumber(text: string, decimal: DecimalSign = "."): number {
  if (isPlain(text) && (decimal === "." || !text.includes("."))) return Number(text);
  let plain = text.replace(currencySign, "$1");
  if (decimal === ",") plain = plain.replace(/[.,]/g, (sign) => (sign === "." ? "," : "."));
  if (plain.includes(",")) {
    if (!grouped.test(plain)) return NaN;
    plain = plain.replaceAll(",", "");
  }
  return isPlain(plain) ? Number(plain) : NaN;
}

/** Whether there is the sign of a currency anywhere in a text. */
export function hasCurrencySign(text: string): boolean {
  return /[$\u20AC\u00A3\u00A5]/.test(text);
}

/** The sign of a currency before a number: `$` of `$12.5` and of `-$3`; empty without one. */
export function currencySignOf(text: string): string {
  return currencySign.exec(text)?.[2] ?? "";
}

/** What a cell says about the decimal sign of its file: `.`, `,`, or nothing (`1234`, `1,234`). */
export function decimalEvidence(text: string): DecimalSign | null {
  const point = text.lastIndexOf(".");
  const comma = text.lastIndexOf(",");
  if (point < 0 && comma < 0) return null;
  if (point >= 0 && comma >= 0) return point > comma ? "." : ",";
  const sign = point >= 0 ? "." : ",";
  const other = point >= 0 ? "," : ".";
  if (text.indexOf(sign) !== text.lastIndexOf(sign)) return other; // twice: it groups thousands
  return /^[+-]?[1-9]\d{0,2}[.,]\d{3}$/.test(text) ? null : sign;
}

const units: Record<string, number> = { K: 1e3, M: 1e6, B: 1e9 };

/** A volume; besides plain numbers also `1.2M`, as web exports shorten them. NaN where it is none. */
export function parseVolume(text: string, decimal: DecimalSign): number {
  const unit = units[text.slice(-1).toUpperCase()];
  return unit === undefined ? parseNumber(text, decimal) : unit * parseNumber(text.slice(0, -1), decimal);
}

/** True for the ways in which exports write "no value". */
export function isBlankValue(text: string): boolean {
  return text === "" || text === "-" || /^(nan|null|none|n\/a|#n\/a)$/i.test(text);
}
