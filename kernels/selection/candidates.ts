import type { GpuContext } from "../runtime/context.ts";
import type { Recorder, Slice } from "../runtime/recorder.ts";
import type { Tensor } from "../runtime/tensor.ts";

/** Words of a Counts of counts.wgsl. */
const COUNT_WORDS = 3;

/** Bytes of a candidate in a list: its key and its index. */
export const LISTED_BYTES = 8;

/** A part of the tokens, as far as a list has to know. */
export interface ListedPart {
  /** Its first token. */
  readonly first: number;
  /** How many it has. */
  readonly count: number;
}

/** The candidates of a selection with their keys; it lives until the submission. */
export interface CandidateList {
  /** The parts that the tokens come in. */
  readonly parts: readonly ListedPart[];
  /** Of each part its candidates, [most of them, 2] in u32: key and index. */
  readonly lists: readonly Slice[];
  /** Of each part response tokens, candidates, and how many are listed, [parts, 3] in u32. */
  readonly counts: Tensor;
  /** A Listing of counts.wgsl, [2] in u32: which candidates are listed. */
  readonly listing: Tensor;
}

/** What lists candidates. */
export interface Lister {
  /** Number of tokens. */
  readonly size: number;
  /** The parts that they come in. */
  readonly parts: readonly ListedPart[];
  /** Records it. */
  readonly list: (to: CandidateList, pass: ListingPass) => void;
}

/** Which tokens are looked at. */
export interface ListingPass {
  /** Every so many vectors of four tokens one, 1 for all. */
  readonly stride: number;
  /** Whether they are few, or none where the list is done, so that it does not pay to copy all into stages. */
  readonly few: boolean;
}

/** Room for the candidates among every `stride`-th vector of four tokens, with nothing listed. */
export function emptyCandidates(
  recorder: Recorder,
  { parts }: Lister,
  stride = 1,
): CandidateList {
  const counts = recorder.temporary([parts.length, COUNT_WORDS], "u32");
  const listing = recorder.temporary([2], "u32");
  recorder.clear(counts);
  recorder.clear(listing);
  return {
    parts,
    lists: parts.map(({ count }) => {
      const most = 4 * Math.ceil(Math.ceil(count / 4) / stride);
      const tensor = recorder.temporary([most, 2], "u32");
      // Without the padding of the buffer, which might not fit a binding.
      return { tensor, offset: 0, bytes: tensor.bytes };
    }),
    counts,
    listing,
  };
}

/** A list of all candidates. */
export function listAll(recorder: Recorder, lister: Lister): CandidateList {
  const candidates = emptyCandidates(recorder, lister);
  lister.list(candidates, { stride: 1, few: false });
  return candidates;
}

/** Passes the memory of a list on. */
export function recycleCandidates(
  recorder: Recorder,
  { lists, counts, listing }: CandidateList,
): void {
  for (const { tensor } of lists) recorder.recycle(tensor);
  for (const tensor of [counts, listing]) recorder.recycle(tensor);
}

/** Workgroups among which items are divided in turn: at most as many as keep the adapter busy. */
export function workgroupsFor({ tiles: { tokens } }: GpuContext, items: number): number {
  return Math.max(1, Math.min(tokens.busy, Math.ceil(items / tokens.lanes)));
}
