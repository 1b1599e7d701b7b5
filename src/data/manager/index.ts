export * from "./dates.js";
export * from "./http-csv.js";
export * from "./manager.js";
export * from "./provider.js";
export { ProviderConfigError, type ProviderConfig } from "./provider-config.js";
