/** What diagnose says of courses, companions and remedies, from logs made for it and from published cases. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { diagnose } from "../../analysis/diagnosis.ts";
import type { Finding } from "../../analysis/finding.ts";
import { readRun } from "../../analysis/readers/read_run.ts";
import type { Run } from "../../analysis/readers/run.ts";
import { testOnCases, withFolder } from "../support.ts";
import { CASES } from "../support.ts";
import { type Row, trainerState, verlConsole, verlJsonl } from "./readers/write_logs.ts";

const SCORE = "critic/score/mean";

function rows(count: number, values: (step: number) => Record<string, number>): Row[] {
  return Array.from({ length: count }, (_, step) => ({ step, values: values(step) }));
}

async function findings(log: string, change: (run: Run) => Run = (run) => run): Promise<Finding[]> {
  let found: Finding[] = [];
  await withFolder(async (folder) => {
    const path = join(folder, "log");
    await Deno.writeTextFile(path, log);
    found = [...diagnose(change(await readRun(path))).findings];
  });
  return found;
}

async function caseFindings(name: string): Promise<readonly Finding[]> {
  return diagnose(await readRun(join(CASES, name))).findings;
}

const about = (found: readonly Finding[], topic: string) =>
  found.find((finding) => finding.topic === topic)!;
const wave = (step: number) => Math.sin(1.7 * step);
const fall = (step: number) => 0.6 * Math.exp(-step / 20);

testOnCases(
  "a surge after a collapse is neither stable nor a rise, and the score's fall is told",
  async () => {
    const found = await caseFindings("issue-surge20.log");
    const course = about(found, "entropy course");
    assert.equal(course.severity, "problem");
    assert.match(
      course.finding,
      /^the entropy collapsed to \d\.\d % of its start, and after step \d\d it surged to \d+ %\./,
    );
    const score = about(found, "performance");
    assert.equal(score.severity, "problem");
    // From 0.2122 to a peak near 0.49 before step 90, and 0.248 at step 120.
    assert.match(
      score.finding,
      /rose from 0\.22\d at step \d to 0\.49\d* at step 8\d and fell to 0\.25\d at step 119/,
    );
    assert.match(score.finding, /8\d % of the gain is lost/);
    assert.match(
      about(found, "what moved first").finding,
      /^first entropy at step \d\d; the score began to fall after step 8\d/,
    );
    assert.match(about(found, "remedy").finding, /raise entropy, so not now/);
  },
);

testOnCases(
  "NaN: what else moved at that step is told, and no score of afterwards counts for the entropy",
  async () => {
    const found = await caseFindings("issue-nan.log");
    assert.match(
      found[0]!.finding,
      /^actor\/entropy, actor\/ppo_kl and actor\/grad_norm are no finite numbers from step 61 on .*; the last score before was 0\.\d+ at step 60, the median since is 0\.$/,
    );
    const course = about(found, "entropy course");
    assert.match(course.finding, /^until step 60, the entropy declined/);
    assert.doesNotMatch(course.finding, /buys|pace/);
    assert.match(about(found, "remedy").finding, /a checkpoint from before step 61/);
    for (const topic of ["KL to the rollout policy", "gradient norm"]) {
      assert.match(
        about(found, topic).finding,
        /the last step 60; it is no finite number from step 61 on/,
      );
      assert.equal(about(found, topic).severity, "notice");
    }
    const moved = about(found, "what moved first");
    assert.match(moved.finding, /^first entropy, .* at step 61;/);
    assert.match(moved.finding, /gradient norm/);
  },
);

testOnCases(
  "one value is told as one, and a log without entropy says how this framework logs it",
  async () => {
    const found = await caseFindings("issue-prime21.log");
    const norm = about(found, "gradient norm");
    assert.match(norm.finding, /^one value is logged: 0\.491 at step 4\.$/);
    assert.equal(norm.evidence, "actor/grad_norm");
    const how = about(found, "how to log the entropy");
    assert.match(how.finding, /actor\/entropy/);
    assert.match(how.finding, /calculate_entropy=True/);
  },
);

Deno.test("a fall that still buys score is no problem; one that does not is, with a forecast of its floor", async () => {
  const log = (score: (step: number) => number) =>
    verlConsole(rows(40, (step) => ({
      "actor/entropy": 0.6 * Math.exp(-step / 40),
      [SCORE]: score(step) + 0.002 * wave(step),
    })));
  const buys = about(await findings(log((step) => 0.2 + 0.005 * step)), "entropy course");
  assert.equal(buys.severity, "fine");
  assert.match(buys.finding, /It still buys score: the training score has risen since step 20\./);
  const idle = about(
    await findings(log((step) => Math.min(0.3, 0.2 + 0.01 * step))),
    "entropy course",
  );
  assert.equal(idle.severity, "problem");
  assert.match(
    idle.finding,
    /It no longer buys score: the training score shows no rise since step 10\./,
  );
  // 0.6·exp(−s/40) is at a tenth of its value at step 1, 0.585, at step 41·… : 1 + 40·ln 10 = 93.1.
  assert.match(
    idle.finding,
    /a tenth of its start, 0\.0585 nats, at about step 9[34] \(9[23] to 9[345], 95 %, if it may flatten; exponential/,
  );
});

Deno.test("what moved first is told with its steps where the score fell, and what stayed", async () => {
  const after = (step: number, from: number) => Math.max(0, step - from);
  const found = await findings(verlConsole(rows(100, (step) => ({
    "actor/entropy": 0.5 + 0.001 * wave(step) + 0.02 * after(step, 70),
    [SCORE]: 0.2 + 0.004 * Math.min(step, 75) - 0.01 * after(step, 75) + 0.001 * wave(step),
    "actor/grad_norm": 0.2 + 0.001 * wave(step) + 0.05 * after(step, 60),
    "rollout_corr/kl": 0.001 + 1e-5 * wave(step) + 0.001 * after(step, 55),
    "response_length/mean": 900 + wave(step),
  }))));
  assert.match(
    about(found, "what moved first").finding,
    /^first train\/inference mismatch at step 5\d, then gradient norm at step 6\d, then entropy at step 7\d; the score began to fall after step 7\d\. response length ended within a quarter of the level before\.$/,
  );
  const mismatch = about(found, "train/inference mismatch");
  assert.equal(mismatch.severity, "problem");
});

Deno.test("a metric that grows all along did not move first, and did not stay as before", async () => {
  const found = await findings(verlConsole(rows(120, (step) => ({
    "actor/entropy": 0.5 + 0.001 * wave(step),
    [SCORE]: 0.2 + 0.004 * Math.min(step, 75) - 0.01 * Math.max(0, step - 75) + 0.001 * wave(step),
    "actor/grad_norm": 0.2 + 0.003 * step + 0.002 * wave(step),
    "response_length/mean": 600 * Math.exp(step / 60) + 4 * wave(step),
  }))));
  assert.match(
    about(found, "what moved first").finding,
    /^nothing left its course; the score began to fall after step 7\d\. entropy ended within a quarter of the level before\. gradient norm and response length grew all along, without a break\.$/,
  );
  assert.match(
    found[0]!.finding,
    /^the score fell from 0\.5\d* at step 7[4-7] to 0\.\d+ at step 11/,
  );
});

Deno.test("a metric at its floor leaves nothing where its old course would have gone on", async () => {
  const found = await findings(verlConsole(rows(120, (step) => ({
    "actor/entropy": 0.02 + 0.7 * Math.exp(-step / 4) + 0.0005 * wave(step),
    [SCORE]: step < 40 ? 0.55 + 0.01 * wave(step) : 0,
    "response_length/mean": step < 40 ? 500 + wave(step) : 12,
  }))));
  assert.match(
    about(found, "what moved first").finding,
    /^first response length at step 40; the score dropped at once after step 39\. entropy ended within/,
  );
  assert.match(
    found[0]!.finding,
    /^the score dropped at once from 0\.5\d* at step 39 to 0 at step 40/,
  );
});

Deno.test("a reward that rises while the accuracy beside it falls is a problem", async () => {
  const log = (slope: number) =>
    rows(80, (step) => ({
      entropy: 0.5 + 0.01 * wave(step),
      reward: 0.2 + 0.005 * step + 0.01 * wave(step),
      accuracy: 0.5 + slope * step + 0.01 * wave(3 * step),
    })).map(({ step, values }) => JSON.stringify({ step, ...values })).join("\n");
  const parting = about(await findings(log(-0.002)), "reward against accuracy");
  assert.equal(parting.severity, "problem");
  assert.match(parting.finding, /^the reward rises while accuracy falls: read responses/);
  for (const slope of [0, 0.002]) {
    assert.equal(about(await findings(log(slope)), "reward against accuracy"), undefined);
  }
});

Deno.test("a run in which nothing happened has no first mover", async () => {
  const found = await findings(verlConsole(rows(60, (step) => ({
    "actor/entropy": 0.5 + 0.01 * wave(step),
    [SCORE]: 0.2 + 0.005 * step,
    "actor/grad_norm": 0.2 + 0.01 * wave(step),
  }))));
  assert.equal(about(found, "what moved first"), undefined);
});

Deno.test("groups without signal: none, counted, all wrong or all right by the log's own parts, estimated", async () => {
  const base = (step: number) => ({ entropy: fall(step), reward: 0.5 + 0.01 * wave(step) });
  const trl = (values: (step: number) => Record<string, number>) =>
    findings(trainerState(rows(40, (step) => ({ ...base(step), ...values(step) }))));
  const none = about(await trl(() => ({ frac_reward_zero_std: 0 })), "groups without signal");
  assert.deepEqual([none.severity, none.finding], ["fine", "no group lacked signal."]);
  const mixed = about(await trl(() => ({ frac_reward_zero_std: 0.6 })), "groups without signal");
  assert.equal(mixed.severity, "problem");
  assert.match(mixed.finding, /^60 % of the groups of late .* neither|^60 % .* not explained/);
  const parts = (wrong: number, right: number) =>
    findings(
      rows(40, (step) => ({
        "optim/entropy": fall(step),
        "env/all/reward/total": 0.5,
        "env/all/by_group/frac_all_bad": wrong,
        "env/all/by_group/frac_all_good": right,
      })).map(({ step, values }) => JSON.stringify({ step, ...values })).join("\n"),
    );
  assert.match(about(await parts(0.6, 0.1), "groups without signal").finding, /^70 % .* too hard/);
  assert.match(about(await parts(0.1, 0.6), "groups without signal").finding, /^70 % .* too easy/);
  const oneEnd = (wrong: number) =>
    findings(
      rows(40, (step) => ({ ...base(step), group_reward_all_zero_rate: wrong }))
        .map(({ step, values }) => JSON.stringify({ step, ...values })).join("\n"),
    );
  const few = about(await oneEnd(0.125), "groups without signal");
  assert.deepEqual([few.severity, few.finding], [
    "fine",
    "13 % of the groups of late are all wrong; how many are all right is not logged.",
  ]);
  const many = about(await oneEnd(0.6), "groups without signal");
  assert.equal(many.severity, "problem");
  assert.match(many.finding, /^60 % .* all wrong; .* not logged; take easier prompts/);
  // 0.95^8 + 0.05^8 = 0.663.
  const config = "{'actor_rollout_ref': {'rollout': {'n': 8}}}\n";
  const estimated = about(
    await findings(
      config + verlConsole(rows(40, (step) => ({ "actor/entropy": fall(step), [SCORE]: 0.95 }))),
    ),
    "groups without signal",
  );
  assert.match(estimated.finding, /at least 66 % of the groups .* too easy/);
});

Deno.test("groups without signal and other metrics are not told as of late where they end early; one slip makes no count", async () => {
  const log = (share: (step: number) => number, steps: number) =>
    findings(
      rows(40, (step) => ({
        entropy: fall(step),
        reward: 0.5 + 0.01 * wave(step),
        ...(step < steps ? { frac_reward_zero_std: share(step), kl: 3 } : {}),
      })).map(({ step, values }) => JSON.stringify({ step, ...values })).join("\n"),
    );
  const early = await log(() => 0.6, 4);
  const groups = about(early, "groups without signal");
  assert.equal(groups.severity, "unknown");
  assert.match(groups.finding, /last share is that of step 3, the run's last step 39\./);
  assert.match(
    about(early, "KL to the reference").finding,
    /it is logged until step 3 of 39 only\.$/,
  );
  const slip = about(await log((step) => step === 2 ? 1.5 : 0.4, 40), "groups without signal");
  assert.match(slip.finding, /^40 % of the groups of late/);
  const counts = about(await log((step) => step % 3, 40), "groups without signal");
  assert.match(counts.finding, /^1 groups? of a step/);
});

Deno.test("a KL of exactly 0 is no penalty, a tiny one is a policy held at its reference", async () => {
  const kl = async (value: (step: number) => number, count = 60) =>
    about(
      await findings(verlConsole(rows(count, (step) => ({
        "actor/entropy": fall(step),
        [SCORE]: 0.2 + 0.01 * step,
        "actor/kl_loss": value(step),
      })))),
      "KL to the reference",
    );
  const none = await kl(() => 0);
  assert.equal(none.severity, "fine");
  assert.match(none.finding, /has no KL to a reference/);
  const held = (step: number) => 2e-5 * (1 - Math.exp(-step / 5)) + 1e-6 * wave(step);
  assert.match((await kl(held)).finding, /hardly leaves its reference/);
  // One that grows, and a short run, leave it yet.
  assert.equal((await kl((step) => 1e-6 * step)).severity, "fine");
  assert.equal((await kl(held, 30)).severity, "fine");
  assert.equal((await kl((step) => 0.001 * step)).severity, "fine");
});

Deno.test("remedies read the configuration: what is on already is not advised, but what comes after it", async () => {
  const idle = rows(60, (step) => ({ "actor/entropy": fall(step), [SCORE]: 0.3 }));
  const actor = async (settings: string, more = "") =>
    about(
      await findings(
        `{'actor_rollout_ref': {'actor': {'calculate_entropy': False, ${settings}}}${more}}\n` +
          verlConsole(idle),
      ),
      "remedy",
    );
  const plain = await actor("'clip_ratio_high': 0.2, 'clip_ratio_low': 0.2, 'entropy_coeff': 0");
  assert.match(plain.finding, /policy_loss\.loss_mode=kl_cov.*clip_ratio_high=0\.28 helps less/);
  assert.match(
    plain.evidence,
    /neither clip-higher nor an entropy bonus nor a covariance loss is on/,
  );
  const higher = await actor("'clip_ratio_high': 0.28, 'clip_ratio_low': 0.2, 'entropy_coeff': 0");
  assert.match(
    higher.finding,
    /^clip_ratio_high=0\.28 is on and does not hold it; the paper's remedies/,
  );
  assert.doesNotMatch(higher.finding, /helps less/);
  const alone = await actor("'clip_ratio_high': 0.28");
  assert.match(alone.finding, /^clip_ratio_high=0\.28 is on and does not hold it/);
  const bonus = await actor(
    "'clip_ratio_high': 0.2, 'clip_ratio_low': 0.2, 'entropy_coeff': 0.001",
  );
  assert.match(bonus.finding, /^the entropy bonus entropy_coeff=0\.001 is on and does not hold it/);
  const kl = await actor("'policy_loss': {'loss_mode': 'kl_cov', 'ppo_kl_coef': 0.1}");
  assert.match(
    kl.finding,
    /^kl_cov is on .* raise policy_loss\.ppo_kl_coef, now 0\.1 \(1 in the paper\)/,
  );
  const once = await actor(
    "'policy_loss': {'loss_mode': 'kl_cov'}, 'ppo_mini_batch_size': 64",
    ", 'data': {'train_batch_size': 64}",
  );
  assert.match(once.finding, /one update per rollout its penalty has no gradient/);
  const clip = await actor("'policy_loss': {'loss_mode': 'clip_cov', 'clip_cov_ratio': 0.0004}");
  assert.match(clip.finding, /raise policy_loss\.clip_cov_ratio, now 0\.0004/);
  assert.doesNotMatch(clip.evidence, /by default/);
  const given = await actor("'policy_loss': {'loss_mode': 'clip_cov'}");
  assert.match(given.evidence, /policy_loss\.clip_cov_ratio=0\.0002 by default/);
  const unknown = about(await findings(verlConsole(idle)), "remedy");
  assert.match(unknown.evidence, /no configuration, so what is on already cannot be told/);
});

Deno.test("an entropy that explodes: what is on and raises it is lowered by its name", async () => {
  const log = verlConsole(rows(60, (step) => ({
    "actor/entropy": 0.3 * Math.exp(step / 20),
    [SCORE]: 0.3 + 0.001 * step,
  })));
  const settings = "'entropy_coeff': 0.01, 'clip_ratio_high': 0.28, 'clip_ratio_low': 0.2";
  const config = `{'actor_rollout_ref': {'actor': {${settings}}}}\n`;
  assert.match(
    about(await findings(config + log), "remedy").finding,
    /lower entropy_coeff, now 0\.01, first; lower clip_ratio_high from 0\.28 to 0\.2/,
  );
});

Deno.test("remedies and how to log the entropy have the names of each framework's own settings", async () => {
  const log = verlJsonl(rows(60, (step) => ({ "actor/entropy": fall(step), [SCORE]: 0.3 })));
  const remedies: [Run["framework"], Record<string, unknown>, RegExp][] = [
    [
      "trl",
      { epsilon: 0.2, epsilon_high: 0.28 },
      /epsilon_high=0\.28 is on .*use_adaptive_entropy=True/,
    ],
    ["ms-swift", { epsilon: 0.2 }, /--epsilon_high 0\.28 helps less/],
    [
      "skyrl",
      { trainer: { algorithm: { eps_clip_low: 0.2, eps_clip_high: 0.2 } } },
      /policy_loss_type=kl_cov, kl_cov\.kl_cov_frac=0\.002 \(by default 20 %\)/,
    ],
    [
      "skyrl",
      { trainer: { algorithm: { use_entropy_loss: false, entropy_loss_coef: 0.01 } } },
      /an entropy bonus \(use_entropy_loss=true and entropy_loss_coef\)/,
    ],
    [
      "openrlhf",
      {},
      /an entropy bonus \(--actor\.entropy_coef, --entropy_loss_coef before 0\.11\)/,
    ],
    ["slime", { eps_clip: 0.2 }, /--eps-clip-high 0\.28 .*an entropy bonus \(--entropy-coef\)/],
    [
      "openrlhf",
      { actor: { eps_clip_low_high: [0.2, 0.28] } },
      /^actor\.eps_clip_low_high=0\.28 is on/,
    ],
    [
      "slime",
      { eps_clip: 0.2, eps_clip_high: 0.2, entropy_coef: 0.001 },
      /entropy_coef=0\.001 is on .*--eps-clip-high 0\.28/,
    ],
    ["roll", { pg_clip: 0.2 }, /use_pg_clip_range: true and pg_clip_high: 0\.28/],
    [
      "nemo-rl",
      { loss_fn: { ratio_clip_min: 0.2, ratio_clip_max: 0.2 } },
      /loss_fn\.ratio_clip_max=0\.28/,
    ],
    ["areal", { actor: { eps_clip: 0.2 } }, /actor\.eps_clip_higher=0\.28/],
    ["open-instruct", { clip_lower: 0.2, clip_higher: 0.2 }, /--clip_higher 0\.28/],
    ["unknown", {}, /^the paper's remedies: KL-Cov .* Clip-Cov .* helps less/],
  ];
  for (const [framework, config, expected] of remedies) {
    const { finding } = about(
      await findings(log, (run) => ({ ...run, framework, config })),
      "remedy",
    );
    assert.match(finding, expected, framework);
  }
  const logging: [Run["framework"], RegExp][] = [
    ["trl", /use_liger_kernel=False/],
    ["ms-swift", /--log_entropy true/],
    ["openrlhf", /--actor\.entropy_coef/],
    ["slime", /--use-rollout-entropy/],
    ["open-instruct", /--record_entropy/],
    ["unknown", /--entropy-key/],
  ];
  for (const [framework, expected] of logging) {
    const found = await findings(log, ({ entropy: _, ...run }) => ({ ...run, framework }));
    assert.match(about(found, "how to log the entropy").finding, expected, framework);
  }
});

/** Uniform noise of −1 to 1, seeded. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

Deno.test("noise about one level neither rises nor falls, and nothing moves first", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const next = noise(seed);
    const found = await findings(verlConsole(rows(120, (step) => ({
      "actor/entropy": fall(step),
      "actor/pg_clipfrac": 0.01 * (1 + 0.2 * next()),
      "actor/grad_norm": 0.2 * (1 + 0.2 * next()),
      [SCORE]: 0.45 + 0.05 * next(),
    }))));
    const { severity, finding } = about(found, "performance");
    assert.equal(severity, "notice", `${seed}: ${finding}`);
    assert.doesNotMatch(finding, /lost|fell|rose/);
    assert.match(
      about(found, "what moved first").finding,
      /^first entropy at step \d+; .* clip fraction and gradient norm ended within a quarter of the level before\.$/,
      String(seed),
    );
  }
});

Deno.test("one value that is not finite moves nothing first; findings go by severity", async () => {
  const log = (isBroken: boolean) =>
    verlConsole(rows(80, (step) => ({
      "actor/entropy": fall(step),
      "actor/pg_clipfrac": 0.002,
      [SCORE]: 0.6 - 0.5 * fall(step) + 0.003 * wave(step),
    }))).replace(/(step:38 .*actor\/entropy:)[^ ]+/, isBroken ? "$1nan" : "$&");
  const broken = await findings(log(true));
  const moved = about(broken, "what moved first").finding;
  assert.match(moved, /^first entropy at step \d+; all counted from their level at the start/);
  assert.equal(moved, about(await findings(log(false)), "what moved first").finding);
  assert.match(about(broken, "not finite").evidence, /1 of 80 values, step 38$/);
  const order = ["problem", "notice", "fine", "unknown"];
  const places = broken.map(({ severity }) => order.indexOf(severity));
  assert.deepEqual(places, places.toSorted((one, other) => one - other));
});

Deno.test("a loss that is not finite is named with what else is not, and alone it is worth a word", async () => {
  const lost = async (...keys: string[]) => {
    const log = verlConsole(rows(80, (step) => ({
      "actor/entropy": fall(step),
      "actor/pg_loss": 0.01,
      [SCORE]: step < 40 ? 0.6 - 0.5 * fall(step) : 0,
    })));
    const lines = log.split("\n").map((line, step) =>
      step < 40
        ? line
        : keys.reduce((text, key) => text.replace(new RegExp(`${key}:\\S+`), `${key}:nan`), line)
    );
    return about(await findings(lines.join("\n")), "not finite");
  };
  const both = await lost("actor/entropy", "actor/pg_loss");
  assert.match(both.evidence, /actor\/pg_loss 40 of 80 values, steps 40 to 79/);
  assert.match(
    both.finding,
    /; the last score before was 0\.\d+ at step 39, the median since is 0\.$/,
  );
  const alone = await lost("actor/pg_loss");
  assert.equal(alone.severity, "notice");
  assert.match(
    alone.finding,
    /^40 values of actor\/pg_loss are no finite numbers, the first at step 40\.$/,
  );
});

Deno.test("a collapse is never well, and an entropy that is lost while the score goes on is looked at", async () => {
  const score = (step: number) => 0.1 + 0.005 * step + 0.002 * wave(step);
  const fast = (step: number) => 0.6 * Math.exp(-step / 40);
  const log = verlConsole(
    rows(80, (step) => ({ "actor/entropy": fast(step), [SCORE]: score(step) })),
  );
  const course = about(await findings(log), "entropy course");
  assert.equal(course.severity, "notice");
  assert.match(course.finding, /collapsed.*still buys score.*At this pace/);
  const lost = await findings(
    log.replace(/(step:(?:6\d|7\d) .*actor\/entropy:)[^ ]+/g, "$1nan"),
  );
  assert.match(lost[0]!.finding, /^actor\/entropy is no finite number from step 60 on/);
  assert.doesNotMatch(about(lost, "entropy course").finding, /pace/);
  assert.match(about(lost, "remedy").finding, /the score did not fall there/);
});

Deno.test("shorter responses are no problem where fewer are cut off for it", async () => {
  const log = (cut: number) =>
    verlConsole(rows(60, (step) => ({
      "actor/entropy": fall(step),
      [SCORE]: 0.6 - 0.5 * fall(step),
      "response_length/mean": 4000 * Math.exp(-step / 30) + 500,
      "response_length/clip_ratio": cut * Math.exp(-step / 15),
    })));
  const well = about(await findings(log(0.9)), "response length");
  assert.equal(well.severity, "notice");
  assert.match(well.finding, /of \d\d % that were cut off then/);
  assert.equal(about(await findings(log(0.01)), "response length").severity, "problem");
});

Deno.test("SkyRL's covariance losses are advised for versions without their fault alone", async () => {
  const rowsOf = rows(60, (step) => ({
    "policy/policy_entropy": fall(step),
    "reward/avg_raw_reward": 0.5 + 0.01 * wave(step),
  }));
  const found = await findings(
    rowsOf.map(({ step, values }) => JSON.stringify({ step, ...values })).join("\n"),
  );
  assert.match(
    about(found, "remedy").finding,
    /^eps_clip_high=0\.28; .*from before the fault alone \(since 31 March 2026 .*SkyRL#1296\)\)/,
  );
  const trap = about(found, "metric trap");
  assert.equal(trap.severity, "unknown");
  assert.match(trap.finding, /SkyRL#1296/);
});

testOnCases(
  "an entropy summed over responses is named, and no share of one below 0 is told",
  async () => {
    const run = await readRun(join(CASES, "issue-rloo-sum.jsonl"));
    assert.equal(run.framework, "trl");
    const diagnosis = diagnose(run);
    assert.match(diagnosis.verdict, /^no entropy per token is logged; .*; the training score rose/);
    const kl = about(diagnosis.findings, "KL to the reference");
    assert.match(
      kl.finding,
      /^it is a sum over each response, so no bound per token is held to it\./,
    );
    assert.equal(kl.severity, "fine");
    assert.match(
      about(diagnosis.findings, "how to log the entropy").finding,
      /^objective\/entropy looks like an entropy.*--entropy-key objective\/entropy/,
    );
    const named = await readRun(join(CASES, "issue-rloo-sum.jsonl"), {
      entropyKey: "objective/entropy",
    });
    const course = about(diagnose(named).findings, "entropy course");
    assert.equal(course.severity, "unknown");
    assert.match(course.finding, /6 values of objective\/entropy are below 0/);
  },
);

Deno.test("a term of the reward that was learned early is not said to teach nothing; one that stays is", async () => {
  const log = (format: (step: number) => number) =>
    trainerState(rows(200, (step) => ({
      entropy: fall(step) + 0.2,
      reward: 0.3 + format(step) + 0.001 * step + 0.05 * wave(step),
      "rewards/accuracy/mean": 0.3 + 0.001 * step + 0.05 * wave(step),
      "rewards/format/mean": format(step),
    })));
  const terms = async (format: (step: number) => number) =>
    about(await findings(log(format)), "reward terms").finding;
  assert.match(
    await terms((step) => Math.min(1, 0.5 + step / 40)),
    /^format moved early and hardly varies any more\./,
  );
  assert.match(await terms(() => 0.5), /^format hardly varies and teaches nothing\./);
});

Deno.test("for a score that falls while the training score rises, more entropy is no remedy", async () => {
  const log = (training: (step: number) => number, validation: (step: number) => number) =>
    verlConsole(rows(200, (step) => ({
      "actor/entropy": 0.3 + 0.3 * Math.exp(-step / 60),
      "critic/score/mean": training(step) + 0.01 * wave(step),
      "val-core/a/acc/mean@1": validation(step) + 0.005 * wave(step),
    })));
  const falling = (step: number) => 0.45 - 0.001 * Math.max(0, step - 60);
  const rising = (step: number) => 0.3 + 0.003 * step;
  const hacked = about(await findings(log(rising, falling)), "remedy").finding;
  assert.match(hacked, /^none for the entropy: the score fell while the training score rose/);
  const fell = about(await findings(log(falling, falling)), "remedy").finding;
  assert.match(fell, /^the score fell, and the entropy fell: .*KL-Cov/);
  const well = about(await findings(log(rising, rising)), "remedy").finding;
  assert.equal(well, "none is needed for the entropy.");
});
