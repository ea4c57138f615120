/** Tokens of a vocabulary with its unused ones: a round number for the kernels that make logits. */
export const PADDED_SIZE = 32;

/** The padding token, before a prompt or after the end of a response, as text. */
export const PAD = "_";

/**
 * The end token as text. The point that ends a response is the end token itself: a point and then an
 * end token would only add a token that carries no choice.
 */
export const END = ".";

/** How an unused token reads, so that any text has as many characters as tokens. */
const UNUSED = "\ufffd";

/** Text to tokens and back; one character is one token. */
export interface Tokenizer {
  /** The characters by token; the first two are {@linkcode PAD} and {@linkcode END}. */
  readonly characters: string;
  /** Rows of the embedding, {@linkcode PADDED_SIZE}; tokens from `characters.length` on are unused. */
  readonly paddedSize: number;
  /** The padding token. */
  readonly pad: number;
  /** The end token. */
  readonly end: number;
  /**
   * The tokens of a text.
   *
   * @throws {VocabularyError} if the text has a character that is no token.
   */
  encode(text: string): Uint32Array<ArrayBuffer>;
  /**
   * The text of any tokens below `paddedSize`; an unused token reads as U+FFFD.
   *
   * @throws {VocabularyError} if a token is out of range.
   */
  decode(tokens: ArrayLike<number>): string;
}

/** A character or a token that is not in the vocabulary. */
export class VocabularyError extends RangeError {
  /** The class, as `Error.name`. */
  override name = "VocabularyError";
}

/** The tokenizer of a vocabulary with the two special tokens and the given characters. */
export function tokenizer(alphabet: string): Tokenizer {
  const characters = PAD + END + alphabet;
  const texts = [...characters.padEnd(PADDED_SIZE, UNUSED)];
  const tokens = new Map([...characters].map((character, token) => [character, token]));
  return {
    characters,
    paddedSize: PADDED_SIZE,
    pad: tokens.get(PAD)!,
    end: tokens.get(END)!,
    encode(text) {
      const out = new Uint32Array(text.length);
      for (let i = 0; i < text.length; i++) {
        const token = tokens.get(text.charAt(i));
        if (token === undefined) {
          throw new VocabularyError(
            `character ${i} of the text is ${JSON.stringify(text.charAt(i))}, ` +
              `expected one of ${JSON.stringify(characters)}.`,
          );
        }
        out[i] = token;
      }
      return out;
    },
    decode(ids) {
      let text = "";
      for (let i = 0; i < ids.length; i++) {
        const character = texts[ids[i]!];
        if (character === undefined) {
          throw new VocabularyError(
            `token ${i} is ${ids[i]}, expected a whole number from 0 to ${PADDED_SIZE - 1}.`,
          );
        }
        text += character;
      }
      return text;
    },
  };
}
