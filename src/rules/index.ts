export { extractRules, firstMatches, type Answers, type Rule, type RuleList } from "./extract.js";
export { judgeRules, type JudgedRule, type JudgedRules } from "./judge.js";
export { termsOf, termThreshold, type Term } from "./terms.js";
