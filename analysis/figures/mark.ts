import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/** The format of a picture or a report, as its file's ending names it. */
export type MarkedFormat = "svg" | "png" | "html" | "md";

/**
 * Adds to a picture or a report a mark which says that a command wrote it, with a checksum of the rest: to a
 * PNG a chunk of text before its last, to all others a comment at their end. What a person drew, or changed since, has no such mark.
 */
export function withMark(format: MarkedFormat, picture: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = picture.length - END[format];
  const parts = [picture.subarray(0, at), markOf(format, picture), picture.subarray(at)];
  return new Uint8Array(Buffer.concat(parts));
}

/** Whether a picture is one that {@linkcode withMark} made, byte for byte. */
export function hasMark(format: MarkedFormat, picture: Uint8Array): boolean {
  const length = markOf(format, new Uint8Array()).length;
  const at = picture.length - END[format] - length;
  if (at < 0) return false;
  const parts = [picture.subarray(0, at), picture.subarray(at + length)];
  return Buffer.from(withMark(format, Buffer.concat(parts))).equals(picture);
}

/** Bytes of a picture after its mark: a PNG ends with the chunk IEND. */
const END: Readonly<Record<MarkedFormat, number>> = {
  svg: 0,
  png: 12,
  html: 0,
  md: 0,
};

/** Of the same length for every picture. */
function markOf(format: MarkedFormat, picture: Uint8Array): Uint8Array {
  const text = `written by entropy-mechanism, checksum ${
    crc32(picture).toString(16).padStart(8, "0")
  }`;
  if (format !== "png") return Buffer.from(`\n<!-- ${text} -->\n`);
  const chunk = Buffer.from(`\0\0\0\0tEXtSoftware\0${text}\0\0\0\0`);
  // Its length counts neither itself, the chunk's type, nor the checksum.
  chunk.writeUInt32BE(chunk.length - 12, 0);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, -4)), chunk.length - 4);
  return chunk;
}
