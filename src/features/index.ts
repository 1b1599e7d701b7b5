export * from "./align.js";
export { longestAgeMs, TimeframesApartError } from "./join.js";
export * from "./prepare.js";
export * from "./table.js";
