export * from "./align.js";
export * from "./join.js";
export * from "./prepare.js";
export * from "./table.js";
