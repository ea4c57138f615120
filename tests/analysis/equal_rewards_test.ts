/** What is said of runs in which nothing can be learned, and of entropies and truncations that do no harm. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import type { Finding } from "../../analysis/finding.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import { withFolder } from "../support.ts";
import { normalNumbers } from "./failing_runs.ts";
import { verlJsonl } from "./readers/write_logs.ts";

/** The findings about a log of verl with these values at each of 200 steps. */
async function findings(
  values: (step: number, normal: () => number) => Record<string, number>,
  seed = 0,
): Promise<(topic: string) => Finding> {
  const normal = normalNumbers(seed);
  const rows = Array.from({ length: 200 }, (_, step) => ({ step, values: values(step, normal) }));
  let found: readonly Finding[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "log.jsonl");
    await Deno.writeTextFile(path, verlJsonl(rows));
    found = diagnose(await readRun(path)).findings;
  });
  return (topic) => found.find((finding) => finding.topic === topic)!;
}

const fall = (step: number) => 0.1 + 0.5 * Math.exp(-step / 30);

Deno.test("where all rewards are equal no group has a signal, and no remedy for the entropy is given", async () => {
  const ends = (step: number, smallest: number) => ({
    "actor/entropy": fall(step),
    "critic/score/mean": step < 40 ? -2 + step / 40 : -1,
    "critic/rewards/max": -1,
    "critic/rewards/min": step < 40 || step % 20 === 0 ? smallest : -1,
  });
  const idle = (step: number) => ({
    "actor/entropy": fall(step),
    "critic/score/mean": 0,
    "actor/grad_norm": 0,
  });
  for (const log of [(step: number) => ends(step, -2), idle]) {
    const about = await findings(log);
    const groups = about("groups without signal");
    assert.equal(groups.severity, "problem");
    assert.match(groups.finding, /^all responses of a step have the same reward in \d+ of the 50/);
    assert.match(about("remedy").finding, /^none for the entropy: all responses of a step/);
    assert.doesNotMatch(about("remedy").finding, /KL-Cov/);
  }
  const learns = await findings((step, normal) => ({
    ...idle(step),
    "critic/score/mean": 0.3 + 0.01 * normal(),
    "critic/rewards/max": 1,
    "critic/rewards/min": 0,
  }));
  assert.equal(learns("groups without signal").severity, "unknown");
});

Deno.test("equal rewards are seen by the ends of the batch and by the spread, and not by those of a term or of a validation", async () => {
  const log = (values: (step: number) => Record<string, number>) => (step: number) => ({
    "actor/entropy": fall(step),
    "critic/score/mean": step < 140 ? 0.2 + step / 400 : 0.4,
    ...values(step),
  });
  const ends = (key: string, separator = "/") =>
    log((step) => ({
      [`${key}${separator}min`]: step < 140 ? 0 : 0.4,
      [`${key}${separator}max`]: step < 140 ? 1 : 0.4,
    }));
  for (
    const seen of [
      ...["critic/score", "critic/rewards", "reward", "train/reward", "env/all/reward"].map((key) =>
        ends(key)
      ),
      ends("episode/reward", "_"),
      ends("ppo_actor/task_reward"),
      log((step) => ({ reward_std: step < 140 ? 0.3 : 0 })),
    ]
  ) {
    const about = await findings(seen);
    assert.equal(about("groups without signal").severity, "problem");
    assert.match(
      about("remedy").finding,
      /^none for the entropy: all responses (?:of a step|to a prompt) /,
    );
  }
  const spread = await findings(log(() => ({ "train/reward_std": 0 })));
  // The mean over groups is 0 where some are all right and others all wrong.
  assert.match(spread("groups without signal").finding, /^all responses to a prompt have the same/);
  for (
    const unseen of [
      ends("format_reward"),
      ends("rewards/format"),
      ends("eval/reward"),
      ends("reward/all"),
      log(() => ({ "critic/score/min": 1, "critic/score/max": 1 })),
      log(() => ({
        "critic/score/min": 0.4,
        "critic/score/max": 0.4,
        "critic/rewards/min": 0.1,
        "critic/rewards/max": 0.4,
      })),
    ]
  ) {
    assert.equal((await findings(unseen))("groups without signal").severity, "unknown");
  }
  for (let seed = 0; seed < 20; seed++) {
    const signal = (step: number, normal: () => number) => ({
      ...log(() => ({}))(step),
      "critic/score/min": 0.1 * Math.round(normal()),
      "critic/score/max": 1 + 0.1 * Math.round(normal()),
      reward_std: Math.abs(0.1 * normal()),
    });
    const healthy = await findings(signal, seed);
    assert.equal(healthy("groups without signal").severity, "unknown", `${seed}`);
  }
});

Deno.test("an entropy that doubles while the score rises on is a note; one that buys nothing is a problem", async () => {
  const log = (score: (step: number) => number) => (step: number, normal: () => number) => ({
    "actor/entropy": 0.3 + 0.0025 * step + 0.005 * normal(),
    "critic/score/mean": score(step) + 0.02 * normal(),
  });
  for (let seed = 0; seed < 20; seed++) {
    const paid = (await findings(log((step) => 0.1 + 0.002 * step), seed))("entropy course");
    assert.equal(paid.severity, "notice", `${seed}`);
    assert.match(paid.finding, /^the entropy rose to 2\d\d % of its start, and the training score/);
    const idle = await findings(log((step) => 0.1 + 0.002 * Math.min(step, 80)), seed);
    assert.equal(idle("entropy course").severity, "problem", `${seed}`);
    assert.match(idle("entropy course").finding, /^the entropy exploded/);
  }
});

Deno.test("responses that are cut off are not said to be wrong where the score rules it out", async () => {
  const truncated = async (score: number) =>
    (await findings((step, normal) => ({
      "actor/entropy": fall(step),
      "critic/score/mean": score + 0.005 * normal(),
      "response_length/clip_ratio": 0.4 + 0.005 * normal(),
    })))("truncated responses").finding;
  assert.match(
    await truncated(0.9),
    /; at most 2[456] % of them are scored as wrong, if 1 is right/,
  );
  assert.match(await truncated(0.3), /of late, and may be scored as wrong/);
  assert.match(await truncated(1.5), /of late, and may be scored as wrong/);
});

Deno.test("a metric that moved a lot within its scatter is not said to have stayed", async () => {
  const about = await findings((step, normal) => ({
    "actor/entropy": fall(step),
    "critic/score/mean": 0.3 + 0.001 * step,
    "actor/grad_norm": 1.1 * Math.exp(-step / 200 + 0.5 * normal()),
    "actor/pg_clipfrac": 0.01 * (1 + 0.02 * normal()),
  }));
  assert.match(
    about("what moved first").finding,
    /clip fraction ended within a quarter of the level before\. gradient norm ended more than a quarter away from the level before, but not beyond the scatter\./,
  );
});
