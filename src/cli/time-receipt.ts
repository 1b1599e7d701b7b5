import { phases, phaseTexts } from "../core/index.js";

/**
 * Where the time of a run went, a line for each phase and for what training was made of; "" where the model has no receipt or a
 * foreign one.
 */
export function receiptText(receipt: unknown): string {
  if (typeof receipt !== "object" || receipt === null) return "";
  const figures = new Map(
    Object.entries(receipt).filter((entry): entry is [string, number] => isTime(entry[1])),
  );
  const line = (name: string, text: string, indent: string): string[] => {
    const seconds = figures.get(name);
    return seconds === undefined ? [] : [`${`${indent}${text}`.padEnd(26)}  ${timeText(seconds)}`];
  };
  const lines = phases.flatMap((phase) => line(phase, phaseTexts[phase], "  "));
  const parts = [
    ...line("training_arithmetic", "arithmetic of training", "  "),
    ...line("progress", "reports of progress", "  "),
    ...line("cancellation", "looks whether to stop", "  "),
  ];
  const share = figures.get("orchestration_share");
  const together = figures.get("trained_together");
  return [
    ...line("total", "Time", ""),
    ...lines,
    ...(together === undefined ? [] : [`  (training: of ${together} networks together)`]),
    ...(parts.length === 0 ? [] : ["of which", ...parts]),
    ...(share === undefined ? [] : [`orchestration share of training: ${(100 * share).toPrecision(2)} %`]),
  ].join("\n");
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function timeText(seconds: number): string {
  const ms = 1000 * seconds;
  const text = ms >= 10_000 ? `${seconds.toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 2 : 0)} ms`;
  return text.padStart(10);
}
