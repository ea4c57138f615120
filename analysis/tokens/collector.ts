import { ReadError } from "../../formats/errors.ts";
import { Malformed } from "../readers/malformed.ts";
import type { Allowance } from "./allowance.ts";
import { CompensatedSum } from "./compensated_sum.ts";
import { covarianceAbout, type DumpFormat, type TokenDump } from "./dump.ts";
import { isClippedByPpo } from "./ppo_clip.ts";
import { TokenSpool } from "./spool.ts";

/** No vocabulary is larger, in texts and in characters; beyond it, texts are not kept. */
const MOST_TEXTS = 1 << 19;
const MOST_CHARACTERS = 1 << 25;
/** What a column of 32-bit numbers holds. */
const MOST_PLACES = 2 ** 32;
/** See TokenBlock. */
const UNKNOWN_TOKEN = -1;

/** Consecutive tokens as a dump tells them, column by column, each of `count` values or more. */
export interface DumpTokens {
  /** How many they are. */
  readonly count: number;
  /** ln π under the current policy. */
  readonly logProb: Float64Array;
  /** Their advantages, or the one of all of them. */
  readonly advantage: Float64Array | number;
  /** 1 for response tokens, 0 for others, whose values may be anything; without it, all are of a response. */
  readonly mask: Float64Array | undefined;
  /** ln π under the policy that made the rollout; NaN where it is not known. */
  readonly oldLogProb: Float64Array | undefined;
  /** Their vocabulary ids or the codes of their texts; anything else is not known. */
  readonly token: Float64Array | undefined;
}

/** Where the first of some tokens stands. */
export interface DumpPlace {
  /** Row or line, from 0. */
  readonly sequence: number;
  /** Place in it, from 0, padding and prompt counted. */
  readonly position: number;
  /** Tokens of each sequence, after which the next begins; without it, all are of one. */
  readonly width?: number;
}

/** Takes the tokens of a dump from its reader, checks them, and keeps those of responses. */
export class TokenCollector {
  /** Number of sequences, counted by the reader. */
  sequences = 0;
  /** Lines that the reader could not use. */
  readonly malformed: Malformed = new Malformed();
  /** Remarks of the reader. */
  readonly notes: string[] = [];

  #source: string;
  #spool: TokenSpool;
  #padding = 0;
  #leftOut = 0;
  #logProb = new Mean();
  #advantage = new Mean();
  #logRatio = new CompensatedSum();
  #ratios = 0;
  #clipped = 0;
  #texts: string[] = [];
  #characters = 0;
  #codes = new Map<string, number>();

  /**
   * A collector for the dump at a path, which errors name.
   *
   * @param allowance What its tokens may take; nothing limits them where they are made and not read.
   */
  constructor(source: string, allowance?: Allowance) {
    this.#source = source;
    this.#spool = new TokenSpool(allowance);
  }

  /**
   * Takes tokens.
   *
   * @throws {ReadError} if a mask is neither 0 nor 1, or the dump inflates to more than is allowed.
   */
  add(tokens: DumpTokens, place: DumpPlace): void {
    const { count, logProb, advantage, mask, oldLogProb, token } = tokens;
    const { width = Infinity } = place;
    let { sequence, position } = place;
    const { block } = this.#spool;
    for (let i = 0; i < count; i++, position++) {
      if (position === width) {
        position = 0;
        sequence++;
      }
      if (mask !== undefined && mask[i] !== 1) {
        if (mask[i] !== 0) {
          throw new ReadError(
            `${this.#source}: the mask is ${
              mask[i]
            } at sequence ${sequence}, position ${position}, expected 0 or 1.`,
          );
        }
        this.#padding++;
        continue;
      }
      const a = typeof advantage === "number" ? advantage : advantage[i]!;
      if (!Number.isFinite(logProb[i]) || !Number.isFinite(a)) {
        this.#leftOut++;
        continue;
      }
      if (sequence >= MOST_PLACES || position >= MOST_PLACES) {
        throw new ReadError(`${this.#source} holds more than ${MOST_PLACES} tokens in one list.`);
      }
      this.#logProb.add(logProb[i]!);
      this.#advantage.add(a);
      const old = oldLogProb === undefined ? NaN : oldLogProb[i]!;
      if (Number.isFinite(old)) {
        this.#ratios++;
        this.#logRatio.add(Math.abs(logProb[i]! - old));
        if (isClippedByPpo(logProb[i]!, old, a)) this.#clipped++;
      }
      const code = token === undefined ? NaN : token[i]!;
      const at = this.#spool.next();
      block.logProb[at] = logProb[i]!;
      block.advantage[at] = a;
      block.oldLogProb[at] = old;
      block.sequence[at] = sequence;
      block.position[at] = position;
      block.token[at] = code === (code | 0) ? code : UNKNOWN_TOKEN;
    }
  }

  /** What {@linkcode DumpTokens} has for a token's text. */
  codeOfText(text: string): number {
    const known = this.#codes.get(text);
    if (known !== undefined) return known;
    if (this.#texts.length === MOST_TEXTS || this.#characters + text.length > MOST_CHARACTERS) {
      return UNKNOWN_TOKEN;
    }
    this.#characters += text.length;
    const code = UNKNOWN_TOKEN - 1 - this.#texts.length;
    this.#texts.push(text);
    this.#codes.set(text, code);
    return code;
  }

  /**
   * The dump, after the last token.
   *
   * @throws {ReadError} if no response token is left, or the values are too large to average.
   */
  finish(format: DumpFormat): TokenDump {
    const spool = this.#spool;
    spool.finish();
    if (spool.length === 0) throw new ReadError(this.#emptiness());
    const means = { meanLogProb: this.#logProb.value, meanAdvantage: this.#advantage.value };
    if (!Object.values(means).every(Number.isFinite)) {
      throw new ReadError(
        `${this.#source}: the log-probabilities or advantages are too large to average.`,
      );
    }
    const meanAbsoluteLogRatio = this.#ratios === 0 ? 0 : this.#logRatio.value / this.#ratios;
    if (!Number.isFinite(meanAbsoluteLogRatio)) {
      throw new ReadError(
        `${this.#source}: the log-probabilities are too far from the old ones to average the distance.`,
      );
    }
    const texts = this.#texts;
    return {
      source: this.#source,
      format,
      sequences: this.sequences,
      tokens: spool.length,
      padding: this.#padding,
      leftOut: this.#leftOut,
      malformed: this.malformed,
      notes: this.notes,
      ...means,
      ...(this.#ratios === 0 ? {} : {
        ratio: {
          tokens: this.#ratios,
          clipFraction: this.#clipped / this.#ratios,
          meanAbsoluteLogRatio,
        },
      }),
      blocks: () => spool.blocks(),
      *covariances() {
        let covariances = new Float64Array(0);
        for (const { logProb, advantage } of spool.values()) {
          const count = logProb.length;
          if (covariances.length !== count) covariances = new Float64Array(count);
          for (let i = 0; i < count; i++) {
            covariances[i] = covarianceAbout(means, logProb[i]!, advantage[i]!);
          }
          yield covariances;
        }
      },
      tokenOf: (value) =>
        value >= 0 ? value : value === UNKNOWN_TOKEN ? undefined : texts[-2 - value],
      [Symbol.dispose]: () => spool[Symbol.dispose](),
    };
  }

  #emptiness(): string {
    if (this.#leftOut > 0) {
      return `${this.#source}: none of the ${this.#leftOut} response tokens has a finite log-probability and advantage.`;
    }
    if (this.#padding > 0) {
      return `${this.#source} holds no response token: the mask is 0 for all ${this.#padding} tokens.`;
    }
    const [example] = this.malformed.examples;
    return `${this.#source} holds no tokens${
      example === undefined ? "" : ` that can be used: ${example}`
    }.`;
  }

  /** Drops what was collected, after an error. */
  discard(): void {
    this.#spool[Symbol.dispose]();
  }
}

/** The mean of numbers; of equal numbers exactly that number. */
class Mean {
  #sum = new CompensatedSum();
  #count = 0;
  #lowest = Infinity;
  #highest = -Infinity;

  add(value: number): void {
    this.#sum.add(value);
    this.#count++;
    if (value < this.#lowest) this.#lowest = value;
    if (value > this.#highest) this.#highest = value;
  }

  get value(): number {
    return this.#lowest === this.#highest ? this.#lowest : this.#sum.value / this.#count;
  }
}
