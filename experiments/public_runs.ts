/** A training log that others published, with what an independent program found in it. */
export interface PublicRun {
  /** Its file's name in the folder of public logs. */
  readonly file: string;
  /** Repository and place there. */
  readonly source: string;
  /** SPDX identifier of the repository's licence. */
  readonly licence: string;
  /** Id of the file as a git blob: whoever has the same id has the same bytes. */
  readonly object: string;
  /** The score that the numbers are of, where it is not the one that is chosen. */
  readonly scoreKey?: string;
  /** Least squares of R on exp(H) under the pairing rule, by a program that shares nothing with this one. */
  readonly independent?: {
    readonly n: number;
    readonly a: number;
    readonly b: number;
    readonly r2: number;
  };
}

/** Public logs of runs, of several frameworks and formats; some tell no law, and it must be said why. */
export const PUBLIC_RUNS: readonly PublicRun[] = [
  {
    file: "verl-console-qwen2-7b-grpo.log",
    source: "verl-project/verl, pull request 5687, log-6.txt",
    licence: "Apache-2.0",
    object: "1b3f92ae12f0fcc6c058088ca06a15f953d91b38",
    scoreKey: "val-core/openai/gsm8k/acc/mean@1",
    independent: { n: 27, a: 1.150388, b: 2.120371, r2: 0.645584 },
  },
  {
    file: "verl-file-logger-qwen3-30b-a3b-grpo.jsonl",
    source: "verl-project/verl, pull request 5469",
    licence: "Apache-2.0",
    object: "2e5870fbfddb9836d147cd0289d5c34691d6e31a",
    independent: { n: 87, a: 1.579734, b: 2.593946, r2: 0.435955 },
  },
  {
    file: "events.out.tfevents.verl-qwen2-7b-grpo",
    source: "verl-project/verl, pull request 2854, gsm8k_qwen2_7b_base",
    licence: "Apache-2.0",
    object: "6f0254ca997df1129316ae3094fdf0f5c0e69d03",
    independent: { n: 22, a: 1.059966, b: 2.085222, r2: 0.406529 },
  },
  {
    file: "events.out.tfevents.verl-qwen2.5-3b-grpo",
    source: "verl-project/verl, pull request 2854, q3b_fsdp_base",
    licence: "Apache-2.0",
    object: "bfa5aa10991872d35a552cfd037fc3bc3f32b546",
    independent: { n: 22, a: 0.439813, b: 1.350565, r2: 0.415754 },
  },
  {
    file: "verl-console-slurm-qwen3-0.6b-ppo.out",
    source: "montehoover/verl, commit b5ac3301",
    licence: "Apache-2.0",
    object: "bd4e49766480c5a2eba1b1134c3c89f9cb0babb1",
    independent: { n: 19, a: 0.685098, b: 1.564508, r2: 0.713761 },
  },
  {
    file: "wandb-export-svg.csv",
    source: "mll-lab-nu/RAGEN, commit 714edac",
    licence: "MIT",
    object: "f9e2aa1fde6fc4d6686975eac1ed3da57801e027",
    independent: { n: 87, a: 10.730142, b: 20.960376, r2: 0.865472 },
  },
  {
    file: "wandb-export-sokoban.csv",
    source: "mll-lab-nu/RAGEN, commit 714edac",
    licence: "MIT",
    object: "d5f40af13055458e8e1c44db10d6bd4542577734",
    independent: { n: 199, a: 1.394164, b: 2.087133, r2: 0.652319 },
  },
  {
    file: "tinker-metrics.jsonl",
    source: "sushantmehta-code/tinker-cookbook, commit ce37494",
    licence: "Apache-2.0",
    object: "78c6599094211f7f06609a678dd08d2b17ca7700",
    scoreKey: "test/env/all/reward/total",
    independent: { n: 12, a: 0.055601, b: 0.715917, r2: 0.122558 },
  },
  {
    file: "verl-console-constant-validation.log",
    source: "verl-project/verl, pull request 5687",
    licence: "Apache-2.0",
    object: "364335a7b9c232d1719cd27d3dbcf1ec40347651",
  },
  {
    file: "wandb-output-truncated-lines.log",
    source: "jianghoucheng/Agent_On_Policy_Distillation",
    licence: "Apache-2.0",
    object: "7016836546c08e3befd45182838871c7fc133b58",
  },
  {
    file: "run-f6sves9c.wandb",
    source: "jianghoucheng/Agent_On_Policy_Distillation",
    licence: "Apache-2.0",
    object: "df436b975b3408b635cbbb0ec4772fcec817a7d1",
  },
  {
    file: "verl-export-textcraft.csv",
    source: "HappynessI/verl-for-AgentGym, commit 87dfdbb2",
    licence: "Apache-2.0",
    object: "2c0c23748a6d25451ebb4c36656e3c70adb7a478",
  },
];
