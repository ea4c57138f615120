/** The process that reads the inputs; `campaign.ts` starts it and watches it. */
import { readCorpus, type TargetName } from "./corpus.ts";
import { makeInput } from "./make_input.ts";
import { shrink } from "./shrink.ts";
import { makeTargets } from "./targets.ts";
import { type Fault, Trials } from "./trial.ts";

/** What a child is to do. */
export interface Assignment {
  /** The seed of all inputs. */
  readonly seed: number;
  /** Its inputs: each `stride`-th from `from` up to, not including, `to`. */
  readonly from: number;
  /** The number of the first input that it leaves out. */
  readonly to: number;
  /** How far its inputs are apart. */
  readonly stride: number;
  /** What to fuzz. */
  readonly targets: readonly TargetName[];
  /** A folder of its own. */
  readonly folder: string;
  /** Faults that are known already. */
  readonly known: readonly string[];
}

/** A line of a child's output: an input is begun, or a fault was found with it. */
export interface Message {
  /** The input's number. */
  readonly index: number;
  /** What is wrong. */
  readonly fault?: Fault;
  /** The smallest input that shows it, in base64; missing where the fault is known. */
  readonly bytes?: string;
}

async function main(assignment: Assignment): Promise<void> {
  const { seed, from, to, stride, targets, folder, known } = assignment;
  const corpus = readCorpus();
  const trials = new Trials(makeTargets(folder, corpus), folder);
  const seen = new Set(known);
  // What is loaded, opened or compiled once is no fault of the input that comes first.
  for (const target of targets) {
    for (const entry of corpus[target]) {
      await trials.try({ target, entry, bytes: entry.bytes, isDeep: true });
    }
  }
  for (let index = from; index < to; index += stride) {
    send({ index });
    const input = makeInput(corpus, targets, seed, index);
    const fault = await trials.try(input);
    if (fault === undefined) continue;
    const { signature } = fault;
    if (seen.has(signature)) {
      send({ index, fault });
      continue;
    }
    seen.add(signature);
    const isCheap = !/: (?:slow|memory)$/.test(signature);
    const smallest = isCheap
      ? await shrink(
        input.bytes,
        async (bytes) => (await trials.try({ ...input, bytes }))?.signature === signature,
      )
      : input.bytes;
    send({ index, fault, bytes: smallest.toBase64() });
  }
}

const encoder = new TextEncoder();

/** At once: what was sent last tells where a process died. */
function send(message: Message): void {
  const bytes = encoder.encode(JSON.stringify(message) + "\n");
  for (let done = 0; done < bytes.length;) done += Deno.stdout.writeSync(bytes.subarray(done));
}

if (import.meta.main) {
  const assignment: Assignment = JSON.parse(Deno.args[0] ?? "");
  // In a thread of its own it goes on telling while an input is read.
  const watch = new Worker(new URL("./memory_watch.ts", import.meta.url), { type: "module" });
  await main(assignment);
  watch.terminate();
}
