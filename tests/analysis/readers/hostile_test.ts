/** Files that are made to be slow or large: each is read, or refused in a sentence, within its bounds. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { crc32, gzipSync } from "node:zlib";
import protobuf from "protobufjs/minimal";
import { maskedCrc32c } from "../../../analysis/readers/tensorboard.ts";
import { WANDB_HEADER } from "../../../analysis/readers/wandb_binary.ts";
import { ROOT, run, withFolder } from "../../support.ts";

/** No file under 5 MB may take more; CPU time, as tests share their machine. */
const SECONDS = 10;
const MEGABYTES = 1000;

const MB = 1_000_000;
const CONFIG_FILE = join(ROOT, "deno.json");
const GOOD_LINE = "step:1 - actor/entropy:0.5 - val-core/m/acc/mean@1:0.5\n";
const GOOD_ROW = '{"step":1,"entropy":0.5,"reward":0.5}\n';
const CONFIG = "{'actor_rollout_ref': ";

/** `count` parts that differ, with a separator between them. */
function list(count: number, part: (i: number) => string, separator = ","): string {
  return Array.from({ length: count }, (_, i) => part(i)).join(separator);
}

/** Gzipped data that begins with `start` and goes on with `piece` over and over, to so many megabytes. */
function bomb(
  start: string | Uint8Array,
  piece: string | Uint8Array,
  megabytes: number,
): Uint8Array {
  const buffer = Buffer.from(piece as string);
  const repeats = Math.ceil(MB / buffer.length);
  const member = gzipSync(Buffer.concat(Array<Buffer>(repeats).fill(buffer)));
  return Buffer.concat([gzipSync(start), ...Array<Buffer>(megabytes).fill(member)]);
}

/** A block of a `.wandb` file: fragments of a whole record without data. */
function emptyFragments(length = 1 << 15): Uint8Array {
  const fragment = new Uint8Array(7);
  new DataView(fragment.buffer).setUint32(0, crc32(Uint8Array.of(1)), true);
  fragment[6] = 1;
  const block = new Uint8Array(length);
  for (let at = 0; at + 7 <= length; at += 7) block.set(fragment, at);
  return block;
}

/** A record of TFRecord; `promised` is the length that it claims. */
function tfRecord(data: Uint8Array, promised = data.length): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(promised), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

interface Case {
  content: () => string | Uint8Array;
  /** Format and counts of the first run, or the error's sentence. */
  expected: RegExp;
  /** CPU time, where it must be less than for all. */
  seconds?: number;
}

/** Each group is read by a process of its own with the flags of the tasks, and each file measured. */
const GROUPS: Record<string, Record<string, Case>> = {
  // Regular expressions that tried every split of such lines took minutes.
  "long lines and deep nesting": {
    "a wrapper without its end": {
      content: () => `${GOOD_LINE}step:2 - a:(${"x".repeat(2 * MB)}\n`,
      expected: /^verl-console 1 values, malformed 1$/,
      seconds: 1,
    },
    "a wrapper with spaces": {
      content: () => `${GOOD_LINE}step:2 - a:(x${" x".repeat(MB)})) - b:1\n`,
      expected: /^verl-console 1 values, malformed 1$/,
      seconds: 1,
    },
    "colons": {
      content: () => `${GOOD_LINE}step:2 - ${":a".repeat(MB)}\n`,
      expected: /^verl-console 1 values, malformed 1$/,
      seconds: 1,
    },
    "a key of colons": {
      content: () => `${GOOD_LINE}step:2 - a${":a".repeat(MB)}/b:1\n`,
      expected: /^verl-console 1 values, malformed 1$/,
      seconds: 1,
    },
    "countless malformed fields on one line": {
      content: () => `${GOOD_LINE}step:1 - ${"x y - ".repeat(800_000)}\n`,
      expected: /^verl-console 1 values, malformed 800000$/,
      seconds: 5,
    },
    "countless steps on one line": {
      content: () => GOOD_LINE + "step:1 - a:1 ".repeat(350_000) + "\n",
      expected: /^verl-console 1 values, malformed 349999$/,
      seconds: 5,
    },
    "countless wrappers without their end": {
      content: () => `${GOOD_LINE}step:1 - ${list(200_000, (i) => `k${i}:np.f(xxxx`, " - ")}\n`,
      expected: /^verl-console 1 values, malformed 200000$/,
      seconds: 5,
    },
    "Ray's prefix without its end": {
      content: () => `${GOOD_LINE}${CONFIG}{\n(${"pid=1 ".repeat(300_000)}\n`,
      expected: /^verl-console 1 values, malformed 0$/,
      seconds: 1,
    },
    "escaped quotation marks": {
      content: () => `${GOOD_LINE}${CONFIG}${"\\'".repeat(400_000)}\n`,
      expected: /^verl-console 1 values, malformed 0$/,
      seconds: 1,
    },
    "configurations that begin on every line": {
      content: () => GOOD_LINE + `${CONFIG}{\n`.repeat(200_000),
      expected: /^verl-console 1 values, malformed 0$/,
      seconds: 2,
    },
    "colour codes without their end": {
      content: () => `${GOOD_LINE}step:2 - ${"\x1b[0;".repeat(500_000)}\n`,
      expected: /^verl-console 1 values, malformed 1$/,
      seconds: 1,
    },
    "a table's header of quotation marks": {
      content: () => `"${'"a,"'.repeat(60_000)}\n1,2\n`,
      expected: /is text without a single line/,
      seconds: 1,
    },
    "a configuration with a string of 900 KB": {
      content: () => `${CONFIG}'${"a".repeat(900_000)}', 'b': {'c': 1}}\n${GOOD_LINE}`,
      expected: /^verl-console 1 values, malformed 0, configured$/,
    },
    "a configuration with a string of 15 MB, gzipped": {
      content: () => gzipSync(`${CONFIG}'${"a".repeat(15 * MB)}'}\n${GOOD_LINE}`),
      expected: /^verl-console 1 values, malformed 0$/,
    },
    "objects in objects": {
      content: () =>
        `${GOOD_ROW}{"step":2,"a":${'{"a":'.repeat(500_000)}1${"}".repeat(500_000)}}\n`,
      expected: /^jsonl 1 values, malformed 1$/,
    },
    "lists in lists": {
      content: () => `${GOOD_ROW}{"step":2,"a":${"[".repeat(MB)}${"]".repeat(MB)}}\n`,
      expected: /^jsonl 1 values, malformed 0$/,
    },
    "a log_history of lists in lists": {
      content: () => `{"log_history":[{"step":1,"entropy":1},${"[".repeat(MB)}${"]".repeat(MB)}]}`,
      expected: /^trainer-state 1 values, malformed 1$/,
    },
    "groups in groups of a protobuf": {
      content: () => {
        // One fragment of a full block, all of it tags that open a group.
        const data = new Uint8Array(32_754).fill(0x0b);
        const bytes = new Uint8Array(32_768);
        bytes.set(WANDB_HEADER);
        const view = new DataView(bytes.buffer);
        view.setUint32(7, crc32(data, crc32(Uint8Array.of(1))), true);
        view.setUint16(11, data.length, true);
        bytes[13] = 1;
        bytes.set(data, 14);
        return bytes;
      },
      expected: /\(read as wandb-binary\) holds no metrics \(1 piece was left out/,
    },
  },
  "many keys, columns and rows": {
    "250 000 scores in a row": {
      content: () =>
        `{"step":1,"entropy":1,${list(250_000, (i) => `"val/${i}/acc":70`)}}\n${GOOD_ROW}`,
      expected: /^jsonl 1 values, malformed 10000\d$/,
    },
    "140 000 runs in an export": {
      content: () => `Step,${list(140_000, (i) => `r${i} - entropy`)}\n1${",1".repeat(140_000)}\n`,
      expected: /^wandb-csv 1 values, malformed 0$/,
    },
    "140 000 scores of one run": {
      content: () =>
        `step,entropy,${list(140_000, (i) => `val/${i}/acc`)}\n1,1${",1".repeat(140_000)}\n`,
      expected: /^csv 1 values, malformed 0$/,
    },
    "a table of commas": {
      content: () => `step,entropy\n${",".repeat(4 * MB)}\n1,1\n`,
      expected: /^csv 1 values, malformed 1$/,
    },
    "lines that look like JSON": {
      content: () => GOOD_ROW + "{x}\n".repeat(MB),
      expected: /has more rows, values or unreadable lines than/,
      seconds: 5,
    },
  },
  "gzipped repetition": {
    "700 MB of one line": {
      content: () => bomb("", "a", 700),
      expected: /inflates to more than 100 times its size/,
    },
    "700 MB of newlines": {
      content: () => bomb(GOOD_LINE, "\n", 700),
      expected: /has more rows, values|inflates to more than 100 times/,
    },
    "700 MB of metrics": {
      content: () => bomb("", GOOD_LINE, 700),
      expected: /has more rows, values|inflates to more than 100 times/,
    },
    "700 MB of rows": {
      content: () => bomb("", GOOD_ROW, 700),
      expected: /has more rows, values|inflates to more than 20 times/,
    },
    "700 MB of a table": {
      content: () => bomb("step,entropy,reward\n", "1,1,1\n", 700),
      expected: /has more rows, values|inflates to more than 20 times/,
    },
    "700 MB of a log_history": {
      content: () => bomb('{"log_history":[', "{},", 700),
      expected: /has more rows, values|inflates to more than 20 times/,
    },
    "700 MB of empty records": {
      content: () =>
        bomb(Buffer.concat([WANDB_HEADER, emptyFragments((1 << 15) - 7)]), emptyFragments(), 700),
      expected: /has more rows, values or unreadable lines than/,
    },
    "700 MB of events without a name": {
      content: () => {
        const values = Buffer.from("0a020a00".repeat(100_000), "hex");
        return bomb("", tfRecord(new protobuf.Writer().uint32(42).bytes(values).finish()), 700);
      },
      expected: /has more rows, values or unreadable lines than/,
    },
  },
  "lengths that promise more than there is": {
    "a record of 1 EB": {
      content: () => tfRecord(new Uint8Array(100), 2 ** 60),
      expected: /\(read as tensorboard\) holds no metrics/,
      seconds: 1,
    },
    "a text of 4 GB in a record": {
      content: () => tfRecord(Buffer.from("2affffffff0f0a02", "hex")),
      expected: /\(read as tensorboard\) holds no metrics \(1 piece .*not an event/,
      seconds: 1,
    },
  },
};

/** Reads the files that its arguments name and prints for each what came of it, and what it took. */
const READ = `
import { cpuUsage } from "node:process";
import { readRuns } from ${JSON.stringify(join(ROOT, "analysis/readers/read_run.ts"))};
for (const path of Deno.args) {
  gc(); // What the last one left is not this one.
  Deno.writeTextFileSync("/proc/self/clear_refs", "5"); // The peak begins anew.
  const before = cpuUsage();
  let outcome;
  try {
    const [run] = await readRuns(path);
    outcome = run.format + " " + run.entropy.values.length + " values, malformed " +
      run.malformed.count + (run.config ? ", configured" : "");
  } catch (error) {
    outcome = error.name === "ReadError" ? error.message : error.stack;
  }
  const { user, system } = cpuUsage(before);
  const status = Deno.readTextFileSync("/proc/self/status");
  console.log(JSON.stringify({
    outcome,
    seconds: (user + system) / 1e6,
    megabytes: Number(/VmHWM:\\s+(\\d+) kB/.exec(status)[1]) / 1000,
  }));
}
`;

for (const [group, cases] of Object.entries(GROUPS)) {
  Deno.test({
    name: `no file under 5 MB takes more than 10 s of CPU or 1 GB to read: ${group}`,
    ignore: Deno.build.os !== "linux",
    fn: () => withFolder((folder) => assertBounded(cases, folder)),
  });
}

async function assertBounded(cases: Record<string, Case>, folder: string): Promise<void> {
  const script = join(folder, "read.ts");
  await Deno.writeTextFile(script, READ);
  const paths: string[] = [];
  for (const [name, { content }] of Object.entries(cases)) {
    const made = content();
    const bytes = typeof made === "string" ? new TextEncoder().encode(made) : made;
    assert(bytes.length < 5 * MB, `${name} has ${bytes.length} bytes`);
    paths.push(join(folder, name));
    await Deno.writeFile(paths.at(-1)!, bytes);
  }
  const flags = ["--v8-flags=--max-semi-space-size=2,--expose-gc", "--config", CONFIG_FILE];
  const { stdout, stderr } = await run(
    Deno.execPath(),
    ["run", "--allow-all", ...flags, script, ...paths],
    { env: { MALLOC_ARENA_MAX: "1" } },
  );
  const lines = stdout.trim().split("\n");
  assert.equal(lines.length, paths.length, stderr);
  for (const [i, [name, { expected, seconds = SECONDS }]] of Object.entries(cases).entries()) {
    const found = JSON.parse(lines[i]!);
    assert.match(found.outcome, expected, name);
    assert(found.outcome.length < 500, name);
    assert(found.seconds < seconds, `${name} took ${found.seconds} s`);
    assert(found.megabytes < MEGABYTES, `${name} took ${found.megabytes} MB`);
  }
}
