/** The operations of both tasks, as they are written. */
export const OPERATIONS = ["+", "-", "*"] as const;

/** An operation on digits. */
export type Operation = typeof OPERATIONS[number];

/** `left operation right` modulo 10, a digit. */
export function calculate(left: number, operation: Operation, right: number): number {
  switch (operation) {
    case "+":
      return (left + right) % 10;
    case "-":
      return (left - right + 10) % 10;
    case "*":
      return (left * right) % 10;
  }
}
