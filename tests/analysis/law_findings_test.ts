/** What diagnose says of the law, and what it keeps silent about. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose, type Diagnosis } from "../../analysis/diagnosis.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { LOGS, testOnLogs, withFolder } from "../support.ts";
import { type Row, verlJsonl } from "./readers/write_logs.ts";

type Values = (step: number) => Record<string, number>;

/** The diagnosis of 60 steps. */
async function of(values: Values): Promise<Diagnosis> {
  let found: Diagnosis | undefined;
  await withFolder(async (folder) => {
    const rows: Row[] = Array.from({ length: 60 }, (_, step) => ({ step, values: values(step) }));
    const path = join(folder, "log.jsonl");
    await Deno.writeTextFile(path, verlJsonl(rows));
    found = diagnose(await readRun(path));
  });
  return found!;
}

const about = ({ findings }: Diagnosis, topic: string) =>
  findings.filter((finding) => finding.topic === topic);
const one = (diagnosis: Diagnosis, topic: string) => about(diagnosis, topic)[0];

const H = (step: number) => 0.8 * Math.exp(-step / 25);
const law = (entropy: number, step: number) =>
  0.8 - 0.25 * Math.exp(entropy) + 0.002 * Math.sin(4 * step);
const SCORE = "val-core/gsm8k/acc/mean@1";

Deno.test("a plateau is the headline, and its gain is not said to be done by the law", async () => {
  const found = await of((step) => ({
    "actor/entropy": H(step),
    [SCORE]: Math.min(0.5, 0.2 + 0.1 * step) + 0.003 * Math.sin(5 * step),
    "critic/score/mean": 0.3 + 0.005 * step,
  }));
  assert.match(
    found.verdict,
    /^no gain since step [2-4]: .*; best 0\.50\d at step \d+, \d+ steps before the last\./,
  );
  assert.equal(one(found, "plateau")!.severity, "problem");
  assert.equal(one(found, "gain done"), undefined);
  assert.match(
    one(found, "ceiling")!.finding,
    /^can't tell from this log: the pairs do not identify/,
  );
  assert.match(
    one(found, "training against validation")!.finding,
    /^the training score rises while the validation score does not|^since step \d+ the training score rises/,
  );
  assert(one(found, "plateau")!.marks!.some(({ label }) => label === "no gain since"));
});

Deno.test("gain is not said to be done where the score fell from its peak, or entropy exploded", async () => {
  const rises = await of((step) => ({ "actor/entropy": H(step), [SCORE]: law(H(step), step) }));
  assert.match(
    one(rises, "gain done")!.finding,
    /^\d+(?:\.\d)? % of the gain that this entropy can buy is done\.$/,
  );
  assert.match(one(rises, "gain done")!.evidence, /^start 0\.\d+, now 0\.\d+, ceiling 0\.\d+ \(/);
  const surge = (step: number) => step < 40 ? H(step) : H(40) + 0.02 * (step - 40);
  const surged = await of((step) => ({
    "actor/entropy": surge(step),
    [SCORE]: law(surge(step), step),
  }));
  assert.equal(one(surged, "gain done"), undefined);
  const explodes = (step: number) => 0.3 + 0.03 * step;
  const exploded = await of((step) => ({
    "actor/entropy": explodes(step),
    [SCORE]: law(explodes(step), step),
  }));
  assert.equal(one(exploded, "gain done"), undefined);
  assert.match(one(exploded, "ceiling")!.finding, /entropy rose from .* and the score fell/);
});

Deno.test("a law of a training score says what else moves it", async () => {
  const found = await of((step) => ({
    "actor/entropy": H(step),
    "critic/score/mean": law(H(step), step),
  }));
  assert(
    about(found, "caution").some(({ finding }) =>
      /the difficulty of the batches moves it/.test(finding)
    ),
  );
});

Deno.test("a ceiling above 1, or far from what was seen, is an extrapolation, with its distance", async () => {
  const high = (step: number) => 0.9 - 0.006 * step;
  const far = await of((step) => ({ "actor/entropy": high(step), [SCORE]: law(high(step), step) }));
  assert(
    about(far, "caution").some(({ finding }) =>
      /^the ceiling is an extrapolation: H = 0 is 0\.546 nats below the lowest entropy of a pair, 1 times/
        .test(finding)
    ),
  );
  const steep = await of((step) => ({
    "actor/entropy": high(step),
    [SCORE]: 1.4 - 0.4 * Math.exp(high(step)) + 0.1,
  }));
  assert.match(one(steep, "ceiling")!.finding, /above 1, the largest possible score/);
});

Deno.test("a sign stands once, also of a law that goes the other way", async () => {
  const found = await of((step) => ({ "actor/entropy": H(step), [SCORE]: 1 - law(H(step), step) }));
  assert.match(one(found, "ceiling")!.evidence, /^R = 0\.\d+·e\^H \+ 0\.\d+, R²/);
});

Deno.test("each benchmark of a mean has a finding of its own", async () => {
  const found = await of((step) => ({
    "actor/entropy": H(step),
    "val-core/a/acc/mean@1": law(H(step), step),
    "val-core/b/acc/mean@1": 0.4 + 0.003 * Math.sin(5 * step),
  }));
  const [a, b] = about(found, "benchmark");
  assert.match(a!.finding, /^val-core\/a\/acc\/mean@1: no plateau is seen; ceiling 0\.5\d*\.$/);
  assert.match(
    b!.finding,
    /^val-core\/b\/acc\/mean@1: no gain in the whole log: .*; its pairs do not identify the law\.$/,
  );
});

Deno.test("a run that is near its ceiling and still gains has no problem of it", async () => {
  const low = (step: number) => 0.03 + H(1.5 * step);
  const found = await of((step) => ({ "actor/entropy": low(step), [SCORE]: law(low(step), step) }));
  const { severity, finding, evidence } = one(found, "ceiling")!;
  assert.equal(severity, "notice", `${finding} ${evidence}`);
  assert.match(finding, /^by the law the ceiling is 0\.5\d*, 0\.\d+ above the score now\.$/);
});

Deno.test("a score that rose to a plateau is a problem, one that stays above 0.95 of 1 is none", async () => {
  for (const [level, severity] of [[0.97, "notice"], [0.8, "problem"], [9.7, "problem"]] as const) {
    const found = await of((step) => ({
      "actor/entropy": H(step),
      "critic/score/mean": level * Math.min(1, 0.5 + step / 12) + 0.01 * Math.sin(4 * step),
    }));
    assert.equal(one(found, "plateau")!.severity, severity, `${level}`);
  }
});

Deno.test("a solved run has no problem of its entropy, and needs no remedy for it", async () => {
  const solved = await of((step) => ({
    "actor/entropy": 0.6 * Math.exp(-step / 10),
    [SCORE]: Math.min(1, 0.4 + 0.06 * step),
  }));
  assert.match(solved.verdict, /^no problem is seen; .* it is solved, if 1 is the most/);
  assert.equal(one(solved, "entropy course")!.severity, "notice");
  assert.match(one(solved, "entropy course")!.finding, /The score is at 1, where little is left/);
  assert.equal(one(solved, "remedy")!.finding, "none is needed for the entropy.");
});

Deno.test("a solved run's gradient may vanish, and no gain is told by a ceiling above 1", async () => {
  const entropy = (step: number) => 0.6 * Math.exp(-step / 10);
  const found = await of((step) => ({
    "actor/entropy": entropy(step),
    [SCORE]: Math.min(1, 1.5 - 0.48 * Math.exp(entropy(step))) - 0.002 * (step % 3),
    "actor/grad_norm": 0.3 * Math.exp(-step / 10),
  }));
  assert.match(found.verdict, /^no problem is seen; .* it is solved, if 1 is the most/);
  const gradient = one(found, "gradient norm")!;
  assert.equal(gradient.severity, "notice");
  assert.match(gradient.finding, /a group that is all right has no gradient; /);
  assert.doesNotMatch(one(found, "gain done")?.finding ?? "", /this entropy can buy/);
});

Deno.test("a ceiling that is open by more than the score moved is none: nothing is identified or done", async () => {
  const entropy = (step: number) => 0.9 - 0.001 * step;
  const found = await of((step) => ({
    "actor/entropy": entropy(step) + 0.004 * Math.sin(3 * step),
    "critic/score/mean": 0.3 + 0.001 * step + 0.03 * Math.sin(5 * step * step),
  }));
  const ceiling = one(found, "ceiling")!;
  assert.equal(ceiling.severity, "unknown");
  assert.match(
    ceiling.finding,
    /the ceiling is open: [01]\.\d+ ± [01]\.\d+ \(95 %\), where the score moved by 0\.\d+ in all\./,
  );
  assert.equal(one(found, "gain done"), undefined);
  assert(!about(found, "caution").some(({ finding }) => /extrapolation/.test(finding)));
});

Deno.test("of a run whose score fell, what is left to the ceiling is not told", async () => {
  const found = await of((step) => ({
    "actor/entropy": step < 50 ? H(step) : NaN,
    [SCORE]: step < 50 ? law(H(step), step) : 0,
  }));
  assert.match(
    one(found, "ceiling")!.finding,
    /^by the law the ceiling is 0\.5\d+, but the score fell since/,
  );
});

Deno.test("noise about one level is no problem, unless entropy was spent on it", async () => {
  const noise = (step: number) => 0.4 + 0.01 * Math.sin(2.3 * step * step);
  const idle = await of((step) => ({
    "actor/entropy": 0.5 + 0.01 * Math.sin(5 * step * step),
    [SCORE]: noise(step),
  }));
  assert.match(idle.verdict, /^no problem is seen; the .* score did not .*; notes on plateau/);
  const constant = await of((step) => ({ "actor/entropy": H(step), [SCORE]: -1 }));
  assert.equal(one(constant, "plateau")!.severity, "problem");
  const spent = await of((step) => ({
    "actor/entropy": 0.6 * Math.exp(-step / 10),
    [SCORE]: noise(step),
  }));
  assert.equal(one(spent, "plateau")!.severity, "notice");
  assert.equal(one(spent, "entropy course")!.severity, "problem");
});

Deno.test("a log whose score passes the law's ceiling refutes the law, and no gain is said to be done", async () => {
  // Entropy saturates, the score goes on by as much a step.
  const found = await of((step) => ({
    "actor/entropy": 0.02 + 0.6 * Math.exp(-step / 24),
    [SCORE]: 0.3 + 0.0075 * step,
  }));
  const ceiling = one(found, "ceiling")!;
  assert.equal(ceiling.severity, "notice");
  assert.match(
    ceiling.finding,
    /^this log refutes the law where it ends: the score is 0\.7\d+ there, above the ceiling 0\.\d+, the most/,
  );
  assert.equal(one(found, "gain done"), undefined);
  // Of entropies below 0, which are estimates, H = 0 is no end.
  const below = await of((step) => ({
    "actor/entropy": 0.5 - 0.02 * step,
    [SCORE]: 0.3 + 0.0075 * step,
  }));
  assert.doesNotMatch(one(below, "ceiling")!.finding, /refutes/);
  assert.equal(one(below, "gain done"), undefined);
});

Deno.test("a benchmark that collapses is named with its step, in the headline where the mean fell with it", async () => {
  const found = await of((step) => ({
    "actor/entropy": H(step),
    "val-core/a/acc/mean@1": law(H(step), step),
    "val-core/b/acc/mean@1": law(H(step), step) + 0.1,
    "val-core/c/acc/mean@1": step < 30 ? 0.6 : 0.02,
  }));
  const broken = about(found, "benchmark").filter(({ severity }) => severity === "problem");
  assert.equal(broken.length, 1);
  assert.match(
    broken[0]!.finding,
    /^val-core\/c\/acc\/mean@1: fell at once from 0\.6 at step 29 to 0\.02 at step 30; /,
  );
  assert.match(
    found.verdict,
    /of its 3 benchmarks one fell, val-core\/c\/acc\/mean@1, .* at step 30; the others did not/,
  );
});

Deno.test("without a problem the verdict says what the notes are about", async () => {
  const found = await of((step) => ({
    "actor/entropy": 0.6 - 0.004 * step,
    [SCORE]: law(0.6 - 0.004 * step, step),
  }));
  assert.match(
    found.verdict,
    /^no problem is seen; the validation score rose: .*; notes on .*ceiling/,
  );
});

testOnLogs("of the public Qwen2-7B run: a plateau, one pair, and a better rival", async () => {
  const found = diagnose(await readRun(join(LOGS, "verl-console-qwen2-7b-grpo.log")));
  assert.match(
    found.verdict,
    /^no gain since step 5: 0\.704 there, 0\.709 on average since; best 0\.716 at step 55, 75 steps before the last\./,
  );
  assert.match(one(found, "single pairs")!.finding, /^the pair of step 0 carries the fit\.$/);
  assert.match(
    one(found, "rivals of the law")!.finding,
    /^a power law in H fits better than the law/,
  );
  assert.equal(about(found, "benchmark").length, 2);
  assert.equal(one(found, "gain done"), undefined);
});

testOnLogs(
  "of a public run whose entropy came back and whose score fell: no gain is done",
  async () => {
    const found = diagnose(await readRun(join(LOGS, "../cases/issue-surge20.log")));
    assert.match(
      found.verdict,
      /^the score fell from 0\.49\d* at step 8\d to 0\.255 at step 119; best 0\.491 at step 84, 36 steps before the last\./,
    );
    assert.equal(one(found, "gain done"), undefined);
  },
);
