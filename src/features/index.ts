export * from "./align.js";
export * from "./join.js";
export * from "./table.js";
