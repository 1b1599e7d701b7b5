import { shown, type Problem } from "./issues.js";
import { isPlainMap, valueAt, type PlainMap } from "./plain.js";

/** Rules between keys of `model.training` and of `training`, read off the document itself. */
export function checkTraining(document: PlainMap): { problems: Problem[]; notices: string[] } {
  const problems: Problem[] = [];
  const notices: string[] = [];
  const training = valueAt(document, ["model", "training"]);
  if (!isPlainMap(training)) return { problems, notices };
  const { early_stopping: stopping, lr_scheduler: scheduler, optimizer, loss } = training;

  if (valueAt(document, ["training", "data_split", "validation"]) === 0) {
    const need = "needs a validation part to read its loss from";
    const allowed = "data_split.validation above 0, or leave this out";
    const path = ["model", "training"];
    if (isPlainMap(stopping) && Object.keys(stopping).length > 0) {
      problems.push({
        path: [...path, "early_stopping"],
        atKey: true,
        message: need,
        found: "validation 0",
        allowed,
      });
    }
    if (valueAt(scheduler, ["type"]) === "reduce_on_plateau") {
      problems.push({
        path: [...path, "lr_scheduler"],
        atKey: true,
        message: need,
        found: "validation 0",
        allowed,
      });
    }
  }
  const word = (value: unknown, otherwise: string): string =>
    typeof value === "string" ? value.toLowerCase() : otherwise;
  if ("momentum" in training && word(optimizer, "adam") !== "sgd") {
    notices.push(
      `model.training.momentum has no effect: only optimizer sgd reads it, not ${shown(optimizer ?? "adam")}.`,
    );
  }
  if ("focal_gamma" in training && word(loss, "cross_entropy") !== "focal") {
    notices.push("model.training.focal_gamma has no effect: only loss focal reads it.");
  }
  return { problems, notices };
}
