export * from "./bootstrap.js";
export * from "./deflated-sharpe.js";
export * from "./normal.js";
export * from "./overfitting.js";
