/** What a log tells, what it does not, and the traps, each from a log made for it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import type { Finding } from "../../analysis/finding.ts";
import { ReadError } from "../../formats/errors.ts";
import { entropyCourse, firstBelow } from "../../analysis/entropy_course.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { withFolder } from "../support.ts";
import { type Row, runLog, trainerState, verlConsole } from "./readers/write_logs.ts";

const SCORE = "val-core/gsm8k/acc/mean@1";

/** 60 steps whose entropy is `entropy(step)` and whose score follows the law, with a little ripple. */
function rows(
  entropy: (step: number) => number,
  more: (step: number) => Record<string, number> = () => ({}),
): Row[] {
  return Array.from({ length: 60 }, (_, step) => ({
    step,
    values: {
      "actor/entropy": entropy(step),
      [SCORE]: 0.7 - 0.25 * Math.exp(entropy(step)) + 0.003 * Math.sin(3 * step),
      ...more(step),
    },
  }));
}

async function findings(log: string): Promise<Finding[]> {
  let found: Finding[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "log");
    await Deno.writeTextFile(path, log);
    found = [...diagnose(await readRun(path)).findings];
  });
  return found;
}

const about = (found: Finding[], topic: string) =>
  found.find((finding) => finding.topic === topic)!;
const collapse = (step: number) => 0.6 * Math.exp(-step / 8) + 0.001;

Deno.test("a collapse: its course, when it was spent, what is left to gain, the remedies", async () => {
  const found = await findings(verlConsole(rows(collapse)));
  assert.match(
    about(found, "entropy course").finding,
    /^the entropy collapsed: 0\.\d+ % of its start is left\. It no longer buys score/,
  );
  assert.equal(about(found, "entropy course").severity, "problem");
  assert.match(
    about(found, "entropy spent").finding,
    /half of the starting entropy was spent by step \d, 95 % of it by step 2\d\./,
  );
  assert.match(about(found, "ceiling").finding, /by the law the ceiling is 0\.45/);
  assert.match(about(found, "gain done").finding, /^(?:9\d(?:\.\d)? %|all) of the gain/);
  assert.match(about(found, "remedy").finding, /KL-Cov .* Clip-Cov/);
});

Deno.test("the gain that is done is that since the start, of what there was to gain then", async () => {
  // From 0.24 to 0.36, with a ceiling at 0.45.
  const found = await findings(verlConsole(rows((step) => 0.6 - 0.3 * Math.min(1, step / 50))));
  const [, done] = /^(\d+(?:\.\d)?) % of the gain/.exec(about(found, "gain done").finding)!;
  assert(Math.abs(Number(done) - 57) < 3, done);
});

Deno.test("an entropy that is logged no more while the score goes on is said to end", async () => {
  const all = rows((step) => 0.6 - step / 200);
  const cut = (from: number) =>
    all.map(({ step, values: { "actor/entropy": entropy, ...rest } }) => ({
      step,
      values: step >= from ? rest : { ...rest, "actor/entropy": entropy! },
    }));
  const { severity, finding, marks } = about(await findings(verlConsole(cut(40))), "entropy ends");
  assert.equal(severity, "notice");
  assert.match(finding, /^the entropy ends at step 39, the score goes on to step 59:/);
  assert.deepEqual(marks!.map(({ step }) => step), [39]);
  assert.equal(about(await findings(verlConsole(cut(59))), "entropy ends"), undefined);
});

Deno.test("steps that are logged again, and names of the step that differ, are findings", async () => {
  const again = [...rows(collapse), ...rows(collapse).slice(50)];
  const reading = about(await findings(verlConsole(again)), "reading");
  assert.match(reading.finding, /10 steps were logged/);
  // It is nothing of the run that a build should fail on.
  assert.equal(reading.severity, "fine");
  assert.doesNotMatch(
    about(await findings(verlConsole(rows(collapse))), "reading")?.finding ?? "",
    /logged again/,
  );
});

Deno.test("what could not be read of the log is said, and nothing where all was read", async () => {
  const whole = verlConsole(rows(collapse));
  assert.equal(about(await findings(whole), "malformed"), undefined);
  const { severity, evidence } = about(await findings(whole.slice(0, -2)), "malformed");
  assert.equal(severity, "notice");
  assert.match(evidence, /^line 60: "val-core\//);
});

Deno.test("stable and exploding entropies get no remedy that raises them", async () => {
  const stable = await findings(verlConsole(rows((step) => 0.5 + 0.02 * Math.sin(step))));
  assert.match(about(stable, "entropy course").finding, /^the entropy is stable/);
  assert.match(
    about(stable, "entropy spent").finding,
    /^entropy never fell below half of its start\.$/,
  );
  assert.equal(about(stable, "remedy").finding, "none is needed for the entropy.");
  const exploding = await findings(verlConsole(rows((step) => 0.5 * Math.exp(step / 20))));
  assert.match(about(exploding, "entropy course").finding, /^the entropy exploded/);
  assert.match(about(exploding, "remedy").finding, /raise entropy, so not now/);
});

Deno.test("what is not logged cannot be told, and is said so", async () => {
  const found = await findings(verlConsole(rows(collapse)));
  for (
    const topic of [
      "clip fraction",
      "gradient norm",
      "response length",
      "truncated responses",
      "groups without signal",
    ]
  ) {
    assert.match(about(found, topic).finding, /^can't tell from this log/);
    assert.equal(about(found, topic).severity, "unknown");
  }
  const scoreOnly = await findings(verlConsole(
    rows(collapse).map(({ step, values }) => ({
      step,
      values: { [SCORE]: values[SCORE]! },
    })),
  ));
  assert.match(about(scoreOnly, "entropy definition").finding, /^can't tell/);
  assert.match(about(scoreOnly, "ceiling").finding, /^can't tell/);
  await assert.rejects(
    () => findings(verlConsole([{ step: 1, values: { "actor/lr": 1e-6 } }])),
    ReadError,
  );
});

Deno.test("what moved with the entropy: rank correlation, and an alarm where it is out of bounds", async () => {
  const found = await findings(verlConsole(rows(collapse, (step) => ({
    "actor/pg_clipfrac": 0.1 * collapse(step),
    "actor/ppo_kl": 0.001 * (step % 2),
    "actor/grad_norm": 0.5 * Math.exp(step / 20),
    "response_length/mean": 500 + 10 * step,
    "response_length/clip_ratio": step / 100,
  }))));
  assert.match(about(found, "clip fraction").finding, /^moved with the entropy/);
  assert.match(about(found, "KL to the rollout policy").finding, /^did not move with the entropy/);
  assert.match(
    about(found, "response length").finding,
    /; response length moved against the entropy\.$/,
  );
  assert.match(
    about(found, "truncated responses").finding,
    /52 % of the responses are cut off at the limit/,
  );
  assert.match(about(found, "gradient norm").finding, /grew to \d+ times its start/);
  assert.match(about(found, "clip fraction").evidence, /rank correlation 1 over 60 steps/);
});

Deno.test("traps: aggregated, on-policy, filtered, per sequence, negative", async () => {
  const log = verlConsole(rows(collapse));
  const cases: [string, RegExp][] = [
    [
      `{'actor_rollout_ref': {'actor': {'loss_agg_mode': 'seq-mean-token-sum'}}}\n` + log,
      /by seq-mean-token-sum/,
    ],
    [
      verlConsole(rows(collapse, () => ({ "actor/pg_clipfrac": 0, "actor/ppo_kl": 0 }))),
      /exactly 0 by construction/,
    ],
    [verlConsole(rows(collapse, () => ({ "train/num_gen_batches": 2 }))), /filtered batch/],
    [verlConsole(rows((step) => 300 * collapse(step))), /larger than any vocabulary/],
    [verlConsole(rows((step) => 0.2 - collapse(step))), /never negative/],
    [
      trainerState(
        rows(collapse).map(({ step, values }) => ({
          step,
          values: {
            entropy: values["actor/entropy"]!,
            eval_reward: 0.5,
            frac_reward_zero_std: 0.1,
          },
        })),
      ),
      /trl#6380/,
    ],
  ];
  for (const [text, expected] of cases) {
    const traps = (await findings(text)).filter(({ topic }) => topic === "metric trap");
    assert(
      traps.some(({ finding }) => expected.test(finding)),
      `${expected} is not among ${JSON.stringify(traps)}`,
    );
  }
});

Deno.test("this project's own run log has no traps", async () => {
  const found = await findings(runLog(rows(collapse), { model: "qwen2.5-7b" }));
  assert.equal(about(found, "metric traps").severity, "fine");
});

Deno.test("a threshold is crossed by the running median, not by one low value", () => {
  const values = [1, 1, 0.1, 1, 1, 1, 0.4, 0.4, 0.4, 0.4];
  const series = {
    steps: Float64Array.from(values, (_, i) => i),
    values: Float64Array.from(values),
  };
  assert.equal(firstBelow(series, 0.5), 6);
  assert.equal(entropyCourse(series)!.nearlySpent, undefined);
});

/** A series with these values at steps 0, 1, …. */
function seriesOf(values: number[]) {
  return { steps: Float64Array.from(values.keys()), values: Float64Array.from(values) };
}

Deno.test("an entropy that does not start above 0 has no course: nothing of which a share could be left", async () => {
  assert.equal(entropyCourse(seriesOf([0, 0, 0, 0])), undefined);
  assert.equal(entropyCourse(seriesOf([-1, -2, -3, -4])), undefined);
  const found = await findings(verlConsole(rows(() => 0)));
  assert.match(about(found, "entropy course").finding, /^can't tell/);
  assert.match(about(found, "entropy course").evidence, /does not start above 0/);
  assert.match(about(found, "remedy").finding, /^can't tell/);
});

Deno.test("means and medians of numbers near the largest float are numbers", () => {
  const huge = seriesOf([1.7e308, 1.7e308, 1.7e308, 1e308, 1e307, 1e307, 1e307, 1e307]);
  const course = entropyCourse(huge)!;
  assert.equal(course.course, "collapse");
  assert.equal(course.start.value, 1.7e308);
  assert.equal(course.halfSpent, 4);
});

Deno.test("numbers beyond measure are said to be so, and no finding shows a dash for one", async () => {
  for (const [first, last] of [[1e-300, 1e300], [1, 1e308], [1e308, 1e308]] as const) {
    const found = await findings(runLog(rows((step) => step < 30 ? first : last), {}));
    for (const { topic, finding, evidence } of found) {
      assert.doesNotMatch(`${finding} ${evidence}`, /[–]|NaN|Infinity/, topic);
    }
  }
});
