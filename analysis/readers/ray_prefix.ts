/** What Ray puts before a line: `(TaskRunner pid=1, ip=10.0.0.1) `, once or several times. */
export function rayPrefix(line: string): string {
  let end = 0;
  while (line[end] === "(") {
    const close = line.indexOf(")", end);
    const inside = line.slice(end + 1, close < 0 ? end : close);
    if (inside.includes("(") || !/\bpid=\d/.test(inside)) break;
    end = close + 1;
    if (line[end] === " ") end++;
  }
  return line.slice(0, end);
}

/** The process that a prefix of Ray names last, `TaskRunner pid=1, ip=10.0.0.1`; empty if a text does not end in one. */
export function rayProcess(text: string): string {
  return PREFIX_AT_END.exec(text.slice(-LONGEST_PREFIX))?.[1] ?? "";
}

/** Where another process than `own` begins to print within a line; -1 if none does. */
export function otherProcessIn(text: string, own: string): number {
  if (!text.includes("pid=")) return -1;
  for (const match of text.matchAll(PREFIX)) if (match[1] !== own) return match.index;
  return -1;
}

const PREFIX = /\(([A-Za-z_][\w.:-]* pid=\d[^()]*)\)/g;
const PREFIX_AT_END = /\(([^()]*\bpid=\d[^()]*)\) *$/;
const LONGEST_PREFIX = 200;
