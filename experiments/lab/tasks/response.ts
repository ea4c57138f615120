import { END } from "./vocabulary.ts";

/**
 * A response up to its end token, or undefined if that does not come within the longest response.
 * Whatever follows the end token does not count.
 */
export function finishedText(response: string, maxTokens: number): string | undefined {
  const end = response.slice(0, maxTokens).indexOf(END);
  return end < 0 ? undefined : response.slice(0, end);
}
