import assert from "node:assert/strict";
import { join } from "node:path";
import { readRun } from "../../../analysis/readers/read_run.ts";
import type { Run } from "../../../analysis/readers/run.ts";
import { withFolder } from "../../support.ts";

/** What is read of a text: each step with its entropy and score, how much was left out, and the notes. */
async function read(text: string) {
  const runs: Run[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "t.csv");
    await Deno.writeTextFile(path, text);
    runs.push(await readRun(path));
  });
  const { entropy, score, malformed, notes } = runs[0]!;
  const scores = new Map(Array.from(score!.steps, (step, i) => [step, score!.values[i]]));
  const points = Array.from(
    entropy!.steps,
    (step, i) => [step, entropy!.values[i], scores.get(step)],
  );
  return { points, malformed: malformed.examples, count: malformed.count, notes };
}

const HEADER = "step,entropy,reward\n";
const POINTS = [[1, 0.9, 0.1], [2, 0.8, 0.2], [3, 0.7, 0.3], [4, 0.6, 0.4]];
const ROWS = POINTS.map((row) => row.join(",") + "\n");
const EARLY = HEADER + ROWS.slice(0, 2).join("");
const LATE = POINTS.slice(2);

Deno.test("the rows after a header in mid-file are read by its names, and a new one is said", async () => {
  const swapped = LATE.map(([step, h, r]) => `${step},${r},${h}\n`).join("");
  const more = LATE.map((row) => `${row.join(",")},0.1\n`).join("");
  const note = ["row 4 is another header: the rows after it are read by its names."];
  for (
    const [text, notes] of [
      [`step,reward,entropy\n${swapped}`, note],
      [`"step","reward","entropy"\r\n${swapped}`, note],
      [`step,entropy,reward,kl\n${more}`, note],
      [`${HEADER}${ROWS.slice(2).join("")}`, []],
    ] as const
  ) {
    const found = await read(EARLY + text);
    assert.deepEqual(found, { points: POINTS, malformed: [], count: 0, notes }, text);
  }
});

Deno.test("a row of text that names no columns is no header", async () => {
  const found = await read(`${EARLY}Total,0.5,reward\nmean,,\n${ROWS.slice(2).join("")}`);
  assert.deepEqual(found.points, POINTS);
  assert.equal(found.count, 2);
});

Deno.test("a header in mid-file that names two columns alike is refused with its row", () =>
  assert.rejects(
    () => read(`${EARLY}step,reward,reward\n3,0.3,0.7\n`),
    /t\.csv is a table with two columns named "reward" in row 4, expected each name once\.$/,
  ));

Deno.test("the lines after a quotation mark that is never closed are rows", async () => {
  const table = (second: string, fourth: string) =>
    "step,entropy,reward,note\n" +
    POINTS.map((row, i) => `${row.join(",")},${i === 1 ? second : i === 3 ? fourth : "ok"}\n`)
      .join("");
  for (const text of [table('"oops', "ok"), table('"oops', '"oops'), table('"oops', '"fine"')]) {
    assert.deepEqual((await read(text)).points, POINTS, text);
  }
  const opened = await read(`${HEADER}${ROWS[0]}"${ROWS.slice(1).join("")}`);
  assert.deepEqual(opened.points, [POINTS[0], ...LATE]);
  assert.deepEqual(opened.malformed, [
    'row 3 has the step "2, expected 0 to 2^53 − 1: "\\"2,0.8,0.2"',
  ]);
});

Deno.test("the lines that a quoted cell swallowed are counted", async () => {
  const found = await read(`${HEADER}${ROWS[0]}"${ROWS[1]}${LATE[0]!.join(",")}"\n${ROWS[3]}`);
  assert.deepEqual(found.points, [POINTS[0], POINTS[3]]);
  assert.match(
    found.malformed[0]!,
    /^row 3 \(2 lines, by a quotation mark that opens it\) has 1 cell, expected 3:/,
  );
});

Deno.test("commas behind the last name, Excel's sep=, comments and mixed line ends are read", async () => {
  const whole = HEADER + ROWS.join("");
  const texts = [
    whole.replaceAll("\n", ",\n"),
    whole.replaceAll("\n", ",,\n"),
    HEADER + ROWS.join("").replaceAll("\n", ",\n"),
    `sep=,\n${whole}`,
    `"sep=;"\r\n${whole.replaceAll(",", ";")}`,
    `# a comment, "quoted\n#\n\n${whole}`,
    `# exported\n# ${whole}`,
    HEADER.replace("\n", "\r") +
    ROWS.map((row, i) => row.replace("\n", ["\r", "\r\n", "\n"][i % 3]!)).join(""),
  ];
  for (const text of texts) {
    const found = await read(text);
    assert.deepEqual(found, { points: POINTS, malformed: [], count: 0, notes: [] }, text);
  }
});

Deno.test("of a row with commas behind its last value the cut one is left out", async () => {
  const text = `step,entropy,reward,\n1,0.9,0.1,\n2,0.8,0.2`;
  assert.deepEqual((await read(text)).points, [[1, 0.9, 0.1], [2, 0.8, undefined]]);
});

Deno.test("of a table with NUL bytes the rows that have none are read; in its first line they are named", async () => {
  const damaged = await read(`${EARLY}${LATE[0]!.join(",")}\0\0\n${ROWS[3]}${"\0".repeat(500)}`);
  assert.deepEqual(damaged.points, [POINTS[0], POINTS[1], [3, 0.7, undefined], POINTS[3]]);
  assert.equal(damaged.count, 2);
  await assert.rejects(
    () => read("\0".repeat(100) + EARLY),
    /t\.csv has NUL bytes in its first line, so it is a binary file .* or a crash damaged it there\.$/,
  );
});

Deno.test("a table whose first row has another number of cells than its header is refused with both", () =>
  assert.rejects(
    () => read("step,entropy,reward\n1,0.9,0.1,7\n"),
    /t\.csv is a table whose header has 3 cells and whose next row 4, expected a training log\.$/,
  ));
