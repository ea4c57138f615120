/** What diagnose says of benchmarks that part, and of training scores beside validations. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { diagnose, type Diagnosis } from "../../analysis/diagnosis.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { verdictOf } from "../../analysis/verdict.ts";
import { withFolder } from "../support.ts";
import { type Row, verlJsonl } from "./readers/write_logs.ts";

async function diagnosed(rows: Row[]): Promise<Diagnosis> {
  let found: Diagnosis | undefined;
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    await Deno.writeTextFile(path, verlJsonl(rows));
    found = diagnose(await readRun(path));
  });
  return found!;
}

const finding = ({ findings }: Diagnosis, topic: string) =>
  findings.find((one) => one.topic === topic)!;

/** Numbers of mean 0 and deviation 1. */
function noise(seed: number): () => number {
  const next = xoroshiro128plus(seed);
  return () => Math.sqrt(3) * (2 * uniformFloat64(next) - 1);
}

Deno.test("a benchmark that falls while another rises is the headline: their mean tells neither", async () => {
  const scores = (step: number): Record<string, number> => ({
    "val-core/math/acc/mean@1": 0.46 + 0.2 * (1 - Math.exp(-step / 60)),
    "val-core/ifeval/acc/mean@1": 0.7 - 0.17 * (1 - Math.exp(-step / 60)),
  });
  const next = noise(1);
  const rows = Array.from({ length: 200 }, (_, i): Row => ({
    step: i + 1,
    values: {
      "actor/entropy": 0.2 + 0.6 * Math.exp(-i / 60),
      "critic/score/mean": 0.4 + 0.15 * (1 - Math.exp(-i / 60)) + 0.01 * next(),
      ...((i + 1) % 10 === 0
        ? Object.fromEntries(
          Object.entries(scores(i + 1)).map(([key, value]) => [key, value + 0.003 * next()]),
        )
        : {}),
    },
  }));
  const found = await diagnosed(rows);
  assert.match(
    found.verdict,
    /^val-core\/ifeval\/acc\/mean@1 fell from 0\.\d+ at step \d0 to 0\.5\d+ at step \d+, while val-core\/math\/acc\/mean@1 rose from 0\.\d+ at step \d0 to 0\.6\d+ at step \d+; their mean hides it\.$/,
  );
  const course = finding(found, "entropy course");
  assert.equal(course.severity, "notice");
  assert.match(course.finding, /cannot be told by a mean of benchmarks that part\./);
  assert.equal(finding(found, "training against validation").severity, "unknown");
});

Deno.test("one low last score of a benchmark is no fall", async () => {
  const next = noise(2);
  const found = await diagnosed(Array.from({ length: 20 }, (_, i): Row => ({
    step: i,
    values: {
      "actor/entropy": 0.8 - 0.02 * i,
      "val-core/math/acc/mean@1": 0.4 + 0.01 * i + 0.005 * next(),
      "val-core/aime/acc/mean@1": 0.3 + 0.005 * i + 0.005 * next() - (i === 19 ? 0.04 : 0),
    },
  })));
  assert.equal(finding(found, "benchmarks"), undefined);
  for (const { topic, finding } of found.findings) {
    if (topic === "benchmark") assert.doesNotMatch(finding, /fell/);
  }
});

Deno.test("a benchmark that is measured at other steps than the score is told where it fell", async () => {
  const next = noise(3);
  const rows = (olympiad: (step: number) => number) =>
    Array.from({ length: 201 }, (_, step): Row => ({
      step,
      values: {
        "actor/entropy": 0.1 + 0.6 * Math.exp(-step / 60),
        ...(step % 10 === 0
          ? { "val-core/math/acc/mean@1": 0.6 - 0.2 * Math.exp(-step / 60) + 0.005 * next() }
          : {}),
        ...(step % 20 === 5
          ? { "val-core/olympiad/acc/mean@1": olympiad(step) + 0.005 * next() }
          : {}),
        ...(step % 40 === 25
          ? { "val-core/aime/acc/mean@1": Math.max(0, 0.1 + 0.05 * next()) }
          : {}),
      },
    }));
  const falls = await diagnosed(rows((step) => 0.4 - 0.1 * Math.max(0, step - 80) / 120));
  const told = falls.findings.filter(({ topic }) => topic === "benchmark");
  assert.equal(told.length, 1);
  assert.equal(told[0]!.severity, "notice");
  assert.match(
    told[0]!.finding,
    /^val-core\/olympiad\/acc\/mean@1, which is no part of the score, fell from 0\.\d+ at step \d+ to 0\.\d+ at step 185\.$/,
  );
  assert.match(falls.verdict, /^no problem is seen; .* notes on .*benchmark/);
  for (const course of [() => 0.4, (step: number) => 0.4 + step / 2000]) {
    const { findings } = await diagnosed(rows(course));
    assert.deepEqual(findings.filter(({ topic }) => topic === "benchmark"), []);
  }
});

Deno.test("scores that scatter about a level do not part, nor do those of a run that may rise", async () => {
  let parted = 0;
  for (let seed = 1; seed <= 30; seed++) {
    const next = noise(seed);
    const rise = seed % 2 === 0 ? 0.002 : 0;
    const found = await diagnosed(Array.from({ length: 150 }, (_, i): Row => ({
      step: i,
      values: {
        "actor/entropy": 0.6 * Math.exp(-i / 100),
        "critic/score/mean": 0.4 + rise * i + 0.03 * next(),
        ...(i % 10 === 9
          ? { "val-core/math/acc/mean@1": 0.35 + 0.5 * rise * i + 0.012 * next() }
          : {}),
      },
    })));
    const { severity, finding: text } = finding(found, "training against validation");
    if (severity !== "fine") parted++;
    else {assert.match(
        text,
        /^(over the whole log both rise|no parting is seen above the noise)\.$/,
      );}
  }
  assert.ok(parted <= 1, String(parted));
});

Deno.test("where a benchmark's law is told and that of the mean is not, the verdict says whose is open", () => {
  const ceiling = { topic: "ceiling", severity: "unknown", finding: "", evidence: "" } as const;
  const benchmark = { ...ceiling, topic: "benchmark" } as const;
  const told = { ...benchmark, severity: "fine" } as const;
  assert.match(verdictOf([ceiling, benchmark]), /; the log does not tell the law\.$/);
  assert.match(verdictOf([ceiling, benchmark, told]), /tell the law of the mean over its benchm/);
});
