import assert from "node:assert/strict";
import {
  DeviceLostError,
  GpuError,
  NoAdapterError,
  ShaderError,
  ShapeError,
} from "../../kernels/runtime/errors.ts";
import { type Gpu, requestGpu } from "../../kernels/runtime/gpu.ts";
import type { Dispatch } from "../../kernels/runtime/recorder.ts";
import { bindRows, rowsPerBinding } from "../../kernels/runtime/rows.ts";
import { shaderInterface } from "../../kernels/runtime/shader_interface.ts";
import type { Tensor } from "../../kernels/runtime/tensor.ts";
import { ROOT, run } from "../support.ts";

const gpu = await requestGpu();
Deno.test.afterAll(() => {
  assert.equal(gpu.liveBytes, 0);
  gpu.destroy();
});

/** Adds a number to each element. */
const ADD = `
override LANES: u32;
struct Params { size: u32, by: f32 }
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;
@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.size) { x[id.x] += params.by; }
}`;

function add(on: Gpu, lanes = 4) {
  return on.program({ name: "add", code: ADD, constants: { LANES: lanes } });
}

Deno.test("many dispatches and copies are one submission, read back at once and in order", async () => {
  using x = gpu.tensor([1, 2, 3]);
  using y = gpu.tensor([0, 0, 0, 0, 0]);
  using words = gpu.tensor(Uint32Array.of(7, 2 ** 32 - 1));
  using bits = gpu.tensor(Uint16Array.of(1, 2, 65535), [3], "bf16");
  const recorder = gpu.record("test");
  for (let i = 0; i < 5; i++) {
    recorder.dispatch(add(gpu), { bindings: { x }, params: { size: 3, by: 10 }, workgroups: [1] });
  }
  recorder.copy(x, y, { from: 1, to: 2, count: 2 });
  const [readX, readY, readWords, readBits] = await recorder.read(x, y, words, bits);
  assert.deepEqual(Array.from(readX), [51, 52, 53]);
  assert.deepEqual(Array.from(readY), [0, 0, 52, 53, 0]);
  assert.deepEqual(Array.from(readWords), [7, 2 ** 32 - 1]);
  assert.deepEqual(Array.from(readBits), [1, 2, 65535]);
});

Deno.test("a program is compiled once for one source and constants", () => {
  assert.equal(add(gpu, 4), add(gpu, 4));
  assert.notEqual(add(gpu, 4), add(gpu, 8));
});

Deno.test("live bytes count tensors and forget what was destroyed, once", () => {
  const before = gpu.liveBytes;
  const tensor = gpu.empty([1000]);
  assert(gpu.liveBytes - before >= 4000);
  tensor.destroy();
  tensor.destroy();
  assert.equal(gpu.liveBytes, before);
});

Deno.test("a tensor destroyed after it was recorded is still there when the commands run", async () => {
  const x = gpu.tensor([1]);
  using y = gpu.empty([1]);
  const recorder = gpu.record();
  recorder.copy(x, y);
  x.destroy();
  // Would take the memory of x if the pool had it back already.
  using other = gpu.tensor([9]);
  const [value] = await recorder.read(y);
  assert.deepEqual(Array.from(value), [1]);
  assert.equal(other.size, 1);
});

Deno.test("a reshaped tensor is the same memory and owns none", async () => {
  const before = gpu.liveBytes;
  using x = gpu.tensor([1, 2, 3, 4], [4]);
  const live = gpu.liveBytes;
  const view = x.reshape([2, 2]).reshape([1, 4]);
  assert.equal(gpu.liveBytes, live);
  assert.deepEqual(view.shape, [1, 4]);
  assert.equal(view.buffer, x.buffer);
  view.destroy();
  assert.deepEqual(Array.from(await gpu.read(x.reshape([2, 2]))), [1, 2, 3, 4]);
  assert.throws(() => x.reshape([3]), /shape \[4\] cannot be seen as \[3\]/);
  assert.throws(() => gpu.record().recycle(view), ShapeError);
  x.destroy();
  assert.throws(() => view.buffer, /used after it was destroyed/);
  assert.equal(gpu.liveBytes, before);
});

Deno.test("a part of a tensor is bound, copied, cleared, written and read where it is", async () => {
  using x = gpu.tensor(Float32Array.from({ length: 132 }, (_, i) => i));
  const part = x.part(64, [2, 2]).reshape([4]);
  assert.deepEqual([part.offset, x.offset], [256, 0]);
  const recorder = gpu.record();
  recorder.dispatch(add(gpu), {
    bindings: { x: part },
    params: { size: 4, by: 100 },
    workgroups: [1],
  });
  using y = gpu.zeros([132]);
  recorder.copy(part, y.part(128, [4]), { to: 1, count: 3 });
  recorder.copy(y.part(129, [2]), x.part(30, [3]));
  recorder.clear(x.part(2, [2]));
  const [whole, own, other] = await recorder.read(x, part, y.part(127, [5]));
  assert.deepEqual([...other], [0, 0, 164, 165, 166]);
  assert.deepEqual([...own], [164, 165, 166, 167]);
  const expected = Array.from({ length: 132 }, (_, i) => i);
  expected.splice(2, 2, 0, 0);
  expected.splice(64, 4, 164, 165, 166, 167);
  expected.splice(30, 2, 164, 165);
  assert.deepEqual([...whole], expected);
  gpu.write(part.part(1, [2]), [7, 8]);
  assert.deepEqual([...await gpu.read(part)], [164, 7, 8, 167]);
  part.destroy();
  assert.equal(await gpu.read(x).then((values) => values[65]), 7);
});

Deno.test("a part outside of its tensor, or bound where no binding begins, is refused", () => {
  using x = gpu.zeros([8]);
  using halves = gpu.zeros([8], "f16");
  for (const [first, shape] of [[5, [4]], [-1, [2]], [0.5, [2]], [0, [3, 3]]] as const) {
    assert.throws(() => x.part(first, shape), /has no part/);
  }
  assert.throws(() => halves.part(1, [2]), /in f16 has no part \[2\] at 1/);
  // Writing it would write the element after it, too.
  assert.throws(() => halves.part(0, [3]), /in f16 has no part \[3\] at 0/);
  using sevens = gpu.zeros([7], "f16");
  assert.equal(sevens.part(4, [3]).size, 3);
  const recorder = gpu.record();
  assert.throws(() => recorder.recycle(x.part(0, [8])), ShapeError);
  const bindings = { x: x.part(1, [4]) };
  assert.throws(
    () => recorder.dispatch(add(gpu), { bindings, params: { size: 4, by: 1 }, workgroups: [1] }),
    /a part \[4\] of a tensor at byte 4, where no binding begins/,
  );
  recorder.submit();
});

Deno.test("temporaries are gone after the submission, and recycled memory is used again", async () => {
  const before = gpu.liveBytes;
  const recorder = gpu.record();
  const first = recorder.temporary([64]);
  const { buffer } = first;
  recorder.recycle(first);
  const second = recorder.temporary([64]);
  assert.equal(second.buffer, buffer);
  await recorder.read();
  assert.equal(gpu.liveBytes, before);
});

Deno.test("a recorder binds the same once, and tells parameters apart by their bits", async () => {
  using x = gpu.tensor([0, 0, 0, 0]);
  using y = gpu.zeros([4]);
  const { device } = gpu;
  const create = device.createBindGroup;
  let groups = 0;
  device.createBindGroup = (descriptor) => {
    groups++;
    return create.call(device, descriptor);
  };
  const recorder = gpu.record();
  const run = (tensor: Tensor, by: number) =>
    recorder.dispatch(add(gpu), {
      bindings: { x: tensor },
      params: { size: 4, by },
      workgroups: [1],
    });
  for (let i = 0; i < 3; i++) {
    run(x, 1);
    run(x, 10);
    run(y, 1);
  }
  assert.equal(groups, 3);
  run(x, 0);
  run(x, -0);
  assert.equal(groups, 5);
  device.createBindGroup = create;
  const read = await recorder.read(x, y);
  assert.deepEqual(read.map((values) => [...values]), [[33, 33, 33, 33], [3, 3, 3, 3]]);
});

Deno.test("scopes of a profiled GPU are timed, in recorders that are read and in others", async () => {
  using profiled = await requestGpu();
  using x = profiled.zeros([1 << 16]);
  const record = (label: string) => {
    const recorder = profiled.record();
    const result = recorder.scope(label, () => {
      const params = { size: 1 << 16, by: 1 };
      recorder.dispatch(add(profiled, 64), { bindings: { x }, params, workgroups: [1 << 10] });
      return label.length;
    });
    assert.equal(result, label.length);
    return recorder;
  };
  const unseen = record("before the profile");
  const profile = profiled.startProfile();
  assert.equal(profile !== undefined, profiled.features.timestampQuery);
  unseen.submit();
  record("submitted").submit();
  record("submitted").submit();
  const [values] = await record("read").read(x);
  assert.equal(values[0], 4);
  if (profile === undefined) return;
  assert.equal(profiled.startProfile(), profile);
  const times = await profile.take();
  assert.deepEqual([...times.keys()], ["submitted", "read"]);
  for (const [label, milliseconds] of times) assert(milliseconds > 0, label);
  assert.equal((await profile.take()).size, 0);
});

Deno.test("a shader that does not compile is named with line and column", async () => {
  const recorder = gpu.record();
  const program = gpu.program({ name: "wrong", code: "\n\n  const size: u32 = 1.5;" });
  recorder.dispatch(program, { bindings: {}, workgroups: [1] });
  await assert.rejects(recorder.read(), (error) => {
    assert(error instanceof ShaderError);
    assert.equal(error.line, 3);
    assert(error.column > 0);
    assert.match(error.message, /^wrong\.wgsl:3:\d+: .*, in "const size: u32 = 1\.5;"$/s);
    return true;
  });
});

Deno.test("a validation error reaches whoever awaits the next read, and only that one", async () => {
  using x = gpu.empty([4]);
  const recorder = gpu.record();
  // The program has one more binding.
  recorder.dispatch(add(gpu), { bindings: {}, params: { size: 0, by: 0 }, workgroups: [1] });
  await assert.rejects(recorder.read(x), GpuError);
  await gpu.read(x);
});

Deno.test("wrong calls are refused with one sentence", async () => {
  const limit = gpu.device.limits.maxComputeWorkgroupsPerDimension;
  using x = gpu.empty([4]);
  using words = gpu.empty([4], "u32");
  const recorder = gpu.record();
  const refused = (body: () => unknown, message: RegExp) =>
    assert.throws(body, (error) => {
      assert(error instanceof ShapeError);
      assert.match(error.message, message);
      return true;
    });
  refused(() => gpu.empty([2.5]), /cannot have shape \[2.5\]/);
  refused(() => gpu.empty([2 ** 40]), /needs 4398046511104 bytes/);
  refused(() => gpu.tensor([1, 2, 3], [2, 2]), /3 elements do not make a tensor of shape \[2,2\]/);
  refused(() => gpu.write(x, [1]), /1 elements do not fill/);
  refused(() => gpu.empty([1], "f64" as "f32"), /no type f64, expected one of f32, u32, f16, bf16/);
  refused(() => x.reshape([-2, -2]), /cannot have shape \[-2,-2\]/);
  refused(() => recorder.temporary([-2, -2]), /cannot have shape \[-2,-2\]/);
  refused(() => recorder.copy(x, words), /do not fit/);
  refused(() => recorder.copy(x, x, { from: 3, count: 2 }), /2 elements at 3/);
  refused(() => recorder.copy(x, x, { from: -1, count: 2 }), /2 elements at -1/);
  refused(() => recorder.copy(x, x, { from: NaN }), /NaN elements at NaN/);
  using halves = gpu.empty([4], "f16");
  // Words are copied whole: the first would come from its neighbour, the second overwrite it.
  refused(() => recorder.copy(halves, halves, { from: 1, count: 2 }), /2 elements at 1 of f16/);
  refused(() => recorder.copy(halves, halves, { count: 1 }), /1 elements at 0 of f16/);
  refused(
    () => recorder.dispatch(add(gpu), { bindings: { x }, workgroups: [limit + 1] }),
    new RegExp(`${limit + 1}×1×1 workgroups, the most is ${limit}`),
  );
  const largest = gpu.device.limits.maxStorageBufferBindingSize;
  if (largest < 2 ** 28) {
    using wide = gpu.empty([largest / 4 + 1]);
    refused(
      () =>
        recorder.dispatch(add(gpu), {
          bindings: { x: wide },
          params: { size: 4, by: 1 },
          workgroups: [1],
        }),
      new RegExp(
        `add was given a tensor of shape \\[\\d+\\], this adapter binds at most ${largest}`,
      ),
    );
  }
  recorder.submit();
  const closed = /^GpuError: a recorder is used after it was submitted\.$/;
  assert.throws(() => recorder.submit(), closed);
  assert.throws(() => recorder.temporary([1]), closed);
  assert.throws(() => recorder.clear(x), closed);
  assert.throws(() => recorder.copy(x, x), closed);
  await assert.rejects(recorder.read(x), closed);
});

Deno.test("bindings and parameters go by the names of the WGSL, and others are refused", () => {
  using x = gpu.empty([4]);
  const recorder = gpu.record();
  const refused = (dispatch: Dispatch, message: string) =>
    assert.throws(
      () => recorder.dispatch(add(gpu), dispatch),
      (error) => error instanceof GpuError && error.message === message,
    );
  const params = { size: 4, by: 1 };
  refused({ bindings: { y: x }, params, workgroups: [1] }, "add.wgsl has no binding y, it has x.");
  const expected = "add.wgsl has the parameters size, by, ";
  refused({ bindings: { x }, workgroups: [1] }, `${expected}none were given.`);
  refused({ bindings: { x }, params: { size: 4 }, workgroups: [1] }, `${expected}size were given.`);
  refused(
    { bindings: { x }, params: { ...params, lanes: 4 }, workgroups: [1] },
    `${expected}size, by, lanes were given.`,
  );
  refused(
    { bindings: { x }, params: { size: 4, to: 1 }, workgroups: [1] },
    `${expected}size, to were given.`,
  );
  for (const size of [1.5, -1, NaN, 2 ** 32]) {
    refused(
      { bindings: { x }, params: { size, by: 1 }, workgroups: [1] },
      `add.wgsl was given size = ${size}, expected u32.`,
    );
  }
  const bindings = { x: undefined } as unknown as Dispatch["bindings"];
  refused(
    { bindings, params, workgroups: [1] },
    "add.wgsl was given undefined as x, expected a tensor.",
  );
  recorder.submit();
});

Deno.test("only a recorder's own temporaries are recycled, each once", () => {
  const before = gpu.liveBytes;
  const [recorder, other] = [gpu.record(), gpu.record()];
  const own = recorder.temporary([4]);
  using x = gpu.empty([4]);
  const refused =
    /^ShapeError: a tensor of shape \[4\] was given to be recycled, expected a temporary/;
  assert.throws(() => recorder.recycle(x), refused);
  assert.throws(() => recorder.recycle(other.temporary([4])), refused);
  recorder.recycle(own);
  assert.throws(() => recorder.recycle(own), refused);
  recorder.submit();
  other.submit();
  x.destroy();
  assert.equal(gpu.liveBytes, before);
});

Deno.test("what a shader binds is read from its WGSL, whatever its comments say", () => {
  const code = `
// @group(0) @binding(9) var<storage, read> no: array<u32>;
struct Params {
  // Words, words: f32,
  size: u32,
  by: f32, shift: i32, // all
}
@group(0) @binding(3) var<storage, read_write> out: array<atomic<u32>, 2>;
@group(0) @binding(0)
var<storage, read> x: Words; // of one file
/* @group(0) @binding(2) var<storage, read> old: Words; */
@binding( 1u )@group(0)var <uniform>params:Params;`;
  const { bindings, params } = shaderInterface("made_up", code);
  assert.deepEqual([...bindings], [["out", 3], ["x", 0]]);
  assert.equal(params!.binding, 1);
  assert.deepEqual(params!.words, [
    { name: "size", type: "u32" },
    { name: "by", type: "f32" },
    { name: "shift", type: "i32" },
  ]);
  assert.equal(shaderInterface("none", "fn main() {}").params, undefined);
  assert.throws(
    () => shaderInterface("made_up", code.replace("shift: i32", "at: vec2u")),
    /^GpuError: made_up.wgsl has the parameter at: vec2u, expected one of u32, i32 or f32\.$/,
  );
  const one = "@group(0) @binding(0) var<uniform> p: ";
  for (
    const [wgsl, message] of [
      [`struct P { a: array<u32, 4> } ${one}P;`, /the parameter a: array<u32, 4>, expected one of/],
      [`${one}vec4<u32>;`, /a uniform of type vec4<u32>, expected a struct of words/],
      [`${one}P;`, /a uniform of type P, expected a struct of words/],
      [`struct P { a: u32 } ${one}P; ${one.replace("p:", "q:")}P;`, /a second uniform, q/],
      ["@group(1) @binding(0) var<storage> x: X;", /has x at @group\(1\) @binding\(0\), expected/],
      ["@group(0) @binding(B) var<storage> x: X;", /has x at @group\(0\) @binding\(B\), expected/],
    ] as const
  ) {
    assert.throws(() => shaderInterface("made_up", wgsl), message);
  }
});

Deno.test("rows are bound within the limit of a binding, wherever they begin", () => {
  using x = gpu.empty([10, 7]);
  const rows = bindRows(gpu, x, { width: 7, first: 9, count: 1 });
  const alignment = gpu.device.limits.minStorageBufferOffsetAlignment;
  assert.equal(rows.slice.offset % alignment, 0);
  assert.equal(rows.slice.offset + 4 * rows.offset, 9 * 7 * 4);
  assert(rows.slice.offset + rows.slice.bytes >= 10 * 7 * 4);
  const limit = gpu.device.limits.maxStorageBufferBindingSize;
  const most = rowsPerBinding(gpu, 2 ** 31, [1 << 16]);
  assert(most * (1 << 16) + alignment + 16 <= limit && most > 0);
  assert.throws(() => rowsPerBinding(gpu, 2, [limit]), ShapeError);
});

Deno.test("two GPUs live side by side and do not take each other's tensors", async () => {
  using other = await requestGpu();
  {
    using x = gpu.tensor([1]);
    using y = other.tensor([1]);
    const [first, second] = [gpu.record(), other.record()];
    first.dispatch(add(gpu), { bindings: { x }, params: { size: 1, by: 1 }, workgroups: [1] });
    second.dispatch(add(other), {
      bindings: { x: y },
      params: { size: 1, by: 2 },
      workgroups: [1],
    });
    assert.throws(() => first.copy(y, x), /a tensor of another GPU/);
    assert.throws(() => gpu.write(y, [2]), /a tensor of another GPU/);
    assert.deepEqual(Array.from((await first.read(x))[0]), [2]);
    assert.deepEqual(Array.from((await second.read(y))[0]), [3]);
  }
  assert.equal(other.liveBytes, 0);
});

Deno.test("a lost device is a typed error for whoever waits", async () => {
  const other = await requestGpu();
  const x = other.tensor([1]);
  other.destroy();
  await assert.rejects(other.read(x), (error) => error instanceof DeviceLostError);

  // A device that goes by itself says so a little after the first read has failed.
  for (const isReading of [false, true]) {
    using lost = await requestGpu();
    const y = lost.tensor([1]);
    const reading = isReading ? lost.read(y) : undefined;
    lost.device.destroy();
    await assert.rejects(reading ?? lost.read(y), (error) => error instanceof DeviceLostError);
  }
});

Deno.test("an adapter can be chosen by its name; a wrong one lists those that are there", async () => {
  const { name } = gpu.adapter;
  using same = await requestGpu({ adapterName: name.slice(0, 4).toUpperCase() });
  assert.equal(same.adapter.name, name);
  await assert.rejects(requestGpu({ adapterName: "Voodoo 2" }), (error) => {
    assert(error instanceof NoAdapterError);
    assert(error.message.startsWith('no WebGPU adapter is named like "Voodoo 2"; there is '));
    assert(error.message.includes(name));
    return true;
  });
});

Deno.test("without an adapter one sentence says how to get one", async () => {
  const script = `import { requestGpu } from "./kernels/mod.ts";
    try { await requestGpu(); } catch (error) { console.log(error.name + ": " + error.message); }`;
  const { stdout } = await run(Deno.execPath(), ["eval", "--quiet", script], {
    cwd: ROOT,
    // A loader that finds no driver, as on a machine without one.
    env: { VK_DRIVER_FILES: "/nowhere", VK_ICD_FILENAMES: "/nowhere" },
  });
  assert.match(stdout, /^NoAdapterError: there is no WebGPU adapter here: .*mesa-vulkan-drivers/);
  assert.equal(stdout.trim().split("\n").length, 1);
});
