import assert from "node:assert/strict";
import { shareInterval } from "../../analysis/share_interval.ts";

Deno.test("Wilson's interval of a share, as in its literature, within 0 and 1 and never empty", () => {
  // Newcombe 1998, table I, method 3.
  const published: readonly [number, number, number, number][] = [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ];
  for (const [count, of, low, high] of published) {
    const interval = shareInterval(count, of);
    assert(Math.abs(interval[0] - low) < 1e-4 && Math.abs(interval[1] - high) < 1e-4, `${count}`);
  }
  const all = shareInterval(3, 3);
  assert(all[0] > 0.4 && all[0] < 0.5 && all[1] === 1);
});
