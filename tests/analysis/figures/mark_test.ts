/** Pictures that a command wrote are known again, and are still pictures. */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { drawFigure } from "../../../analysis/figures/draw.ts";
import { hasMark, withMark } from "../../../analysis/figures/mark.ts";

const SPEC = { data: { values: [{ x: 1 }] }, mark: "point", encoding: {} };

Deno.test("a marked picture is known byte for byte, and holds the picture as it was", async () => {
  const { svg, png } = await drawFigure("a", SPEC);
  for (const [format, bytes] of [["svg", new TextEncoder().encode(svg)], ["png", png]] as const) {
    const marked = withMark(format, bytes);
    assert(hasMark(format, marked));
    for (const other of [bytes, marked.subarray(1), marked.subarray(0, -1), new Uint8Array(3)]) {
      assert(!hasMark(format, other));
    }
    for (const at of [0, 40, marked.length - 30, marked.length - 1]) {
      const changed = marked.slice();
      changed[at]! ^= 1;
      assert(!hasMark(format, changed), `${format}, byte ${at}`);
    }
    const text = new TextDecoder("latin1").decode(marked);
    assert.equal(text.match(/written by entropy-mechanism, checksum [0-9a-f]{8}/g)?.length, 1);
  }
});

Deno.test("a report is known by its mark as a picture is", () => {
  const text = new TextEncoder().encode("# A report\n");
  for (const format of ["md", "html"] as const) {
    assert(hasMark(format, withMark(format, text)));
    assert(!hasMark(format, text));
  }
});

Deno.test("the mark of a PNG is a chunk as the format has them", async () => {
  const { png } = await drawFigure("a", SPEC);
  const marked = withMark("png", png);
  const view = new DataView(marked.buffer);
  const types: string[] = [];
  for (let at = 8; at < marked.length;) {
    const length = view.getUint32(at);
    const body = marked.subarray(at + 4, at + 8 + length);
    types.push(new TextDecoder().decode(body.subarray(0, 4)));
    assert.equal(view.getUint32(at + 8 + length), crc32(body), types.at(-1));
    at += 12 + length;
  }
  assert.deepEqual(types.slice(-2), ["tEXt", "IEND"]);
});
