import { crc32 } from "node:zlib";
import { maskedCrc32c } from "../../analysis/readers/tensorboard.ts";
import { WANDB_HEADER } from "../../analysis/readers/wandb_binary.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const ZIP_LOCAL = 0x04034b50;
const ZIP_CENTRAL = 0x02014b50;
const LEVELDB_BLOCK = 1 << 15;

/** Makes the checksums of a damaged file agree with its content again, where its format has any. */
export function repairChecksums(bytes: Bytes): Bytes {
  const view = new DataView(bytes.buffer);
  if (bytes.length < 16) return bytes;
  if (view.getUint32(0, true) === ZIP_LOCAL) repairZip(bytes, view);
  else if (WANDB_HEADER.every((byte, i) => bytes[i] === byte)) repairLevelDb(bytes, view);
  else if (view.getBigUint64(0, true) <= bytes.length && bytes[8] !== 0x7b) {
    repairTfRecords(bytes, view);
  } else if (bytes[8] === 0x7b) repairSafetensors(bytes, view);
  return bytes;
}

/** The values of a safetensors file begin where its first tensor's do, at the end of the header. */
function repairSafetensors(bytes: Bytes, view: DataView): void {
  for (let depth = 0, at = 8; at < bytes.length; at++) {
    if (bytes[at] === 0x7b) depth++;
    if (bytes[at] !== 0x7d || --depth > 0) continue;
    while (at + 1 < bytes.length && bytes[at + 1] === 0x20) at++;
    return view.setBigUint64(0, BigInt(at + 1 - 8), true);
  }
}

function repairTfRecords(bytes: Bytes, view: DataView): void {
  for (let at = 0; at + 16 <= bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    view.setUint32(at + 8, maskedCrc32c(bytes.subarray(at, at + 8)), true);
    const end = at + 12 + length;
    if (end + 4 > bytes.length) return;
    view.setUint32(end, maskedCrc32c(bytes.subarray(at + 12, end)), true);
    at = end + 4;
  }
}

function repairLevelDb(bytes: Bytes, view: DataView): void {
  for (let at = WANDB_HEADER.length; at + 7 <= bytes.length;) {
    const room = LEVELDB_BLOCK - at % LEVELDB_BLOCK;
    if (room < 7) {
      at += room;
      continue;
    }
    const end = at + 7 + view.getUint16(at + 4, true);
    if (end > bytes.length) return;
    view.setUint32(at, crc32(bytes.subarray(at + 6, end)), true);
    at = end;
  }
}

/** Stored files only: those that are deflated tell of damage by themselves. */
function repairZip(bytes: Bytes, view: DataView): void {
  const checksums: number[] = [];
  let at = 0;
  while (at + 30 <= bytes.length && view.getUint32(at, true) === ZIP_LOCAL) {
    const size = view.getUint32(at + 18, true);
    const from = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
    if (from + size > bytes.length || view.getUint16(at + 8, true) !== 0) return;
    checksums.push(crc32(bytes.subarray(from, from + size)));
    view.setUint32(at + 14, checksums.at(-1)!, true);
    at = from + size;
  }
  for (const checksum of checksums) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== ZIP_CENTRAL) return;
    view.setUint32(at + 16, checksum, true);
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) +
      view.getUint16(at + 32, true);
  }
}
