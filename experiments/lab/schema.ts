import type { z } from "zod";

/** The longest value that a sentence shows, in characters. */
const LONGEST_SHOWN = 80;

/**
 * What zod found wrong, as the middle of a sentence: `step is -1, expected at least 0`.
 *
 * @param given What was checked.
 */
export function describeIssue(issue: z.core.$ZodIssue, given: unknown): string {
  if (issue.code === "unrecognized_keys") {
    const name = [...issue.path, issue.keys[0]].join(".");
    return `${shown(name)} is there, expected no field of that name`;
  }
  const value = issue.path.reduce(
    (outer, key) => (outer as Record<PropertyKey, unknown>)[key],
    given,
  );
  return `${issue.path.join(".") || "it"} is ${shown(value)}, expected ${expectation(issue)}`;
}

/** A value as a sentence shows it: whole if it is short. */
export function shown(value: unknown): string {
  if (value === undefined) return "missing";
  // JSON has no infinities.
  const text = typeof value === "number" ? String(value) : JSON.stringify(value);
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN)}…`;
}

/** What was expected where zod found something else. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_value":
      return `one of ${issue.values.join(", ")}`;
    case "invalid_type":
      return TYPES[issue.expected] ?? "a finite number";
    case "too_small":
      return `${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
    case "too_big":
      return `at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

/** Zod's types in words. */
const TYPES: Readonly<Record<string, string>> = {
  boolean: "true or false",
  int: "a whole number",
  string: "text",
  array: "a list",
  object: "a JSON object",
  record: "a JSON object",
};
