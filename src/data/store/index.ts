export * from "./merge.js";
export { seriesColumns, seriesRecord } from "./series-record.js";
export * from "./no-bars.js";
export { rowGroupRows } from "./parquet-write.js";
export {
  InvalidBarsError,
  type InspectedSeries,
  type LoadedBars,
  type MergeReport,
  type SeriesEntry,
  type SeriesPlace,
} from "./series.js";
export * from "./store.js";
export * from "./symbols.js";
export * from "./verify.js";
