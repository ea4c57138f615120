import type { AdapterInfo } from "../kernels/runtime/adapter.ts";
import type { Problem, Work } from "./bench_problem.ts";
import { type Job, type Library, NotInstalledError } from "./library.ts";

/** The program that does the work; it says what it reads and writes. */
const PROGRAM = new URL("peers_torch.py", import.meta.url);

/** Where it may be: the first on the path need not be Debian's, which python3-torch is for. */
const PYTHONS: readonly string[] = ["python3", "/usr/bin/python3"];

/** An array for PyTorch; its indices are of 64 bits. */
export interface TorchArray {
  /** Its elements, row-major. */
  readonly values: Float32Array<ArrayBuffer> | BigInt64Array<ArrayBuffer>;
  /** Its extents. */
  readonly shape: readonly number[];
}

/** Work for PyTorch. */
export interface TorchWork {
  /** A key of KINDS in the program. */
  readonly kind: "matmul" | "update";
  /** What the program asks for beside arrays. */
  readonly settings: object;
  /** Arrays by name. */
  readonly arrays: Readonly<Record<string, TorchArray>>;
}

/**
 * Matrix products in PyTorch; see {@linkcode torchLibrary}.
 *
 * @throws {NotInstalledError} if no python3 finds it.
 */
export async function openTorch(adapter: AdapterInfo): Promise<Library | undefined> {
  return await torchLibrary(adapter, (work: Work) => {
    if (work.kind !== "matmul") return undefined;
    const { size, a, b } = work.input;
    const shape = [size, size];
    return {
      kind: "matmul",
      settings: {},
      arrays: { a: { values: a, shape }, b: { values: b, shape } },
    };
  });
}

/**
 * PyTorch on the CPU, beside a software adapter; undefined beside an adapter that has a processor of its own.
 *
 * @param workOf Puts work into PyTorch's terms, or gives nothing for work that is not for it.
 * @param pythons The commands to try.
 * @throws {NotInstalledError} if none of them finds it.
 */
export async function torchLibrary<W>(
  adapter: AdapterInfo,
  workOf: (work: W) => TorchWork | undefined,
  pythons = PYTHONS,
): Promise<Library<W> | undefined> {
  if (adapter.kind !== "software") return undefined;
  const found = await findTorch(pythons);
  if (found === undefined) {
    throw new NotInstalledError(
      "python3 does not find it (Debian and Ubuntu: sudo apt-get install python3-torch libopenblas0-pthread)",
    );
  }
  const { python, version } = found;
  return {
    adapter: adapter.name,
    version,
    prepare({ work }: Problem<W>) {
      const made = workOf(work);
      return made === undefined ? undefined : torchJob(python, made);
    },
    destroy() {},
  };
}

/** The first command that finds PyTorch, and the version it finds. */
async function findTorch(
  pythons: readonly string[],
): Promise<{ python: string; version: string } | undefined> {
  for (const python of pythons) {
    try {
      const { success, stdout } = await new Deno.Command(python, {
        args: ["-c", "import torch; print(torch.__version__)"],
        stdin: "null",
        stderr: "null",
      }).output();
      if (success) return { python, version: new TextDecoder().decode(stdout).trim() };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/** A process that has the work's arrays and waits for commands. */
function torchJob(python: string, { kind, settings, arrays }: TorchWork): Job {
  const process = new Deno.Command(python, {
    args: ["-u", PROGRAM.pathname],
    // The threads of a product sleep soon after it, and leave the processor to what is timed next.
    env: { OPENBLAS_THREAD_TIMEOUT: "20" },
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const input = process.stdin.getWriter();
  const output = new ByteReader(process.stdout);
  const described = Object.entries(arrays).map(([name, { values, shape }]) => ({
    name,
    type: values instanceof Float32Array ? "f32" : "i64",
    shape,
  }));
  const write = async (text: string) => await input.write(new TextEncoder().encode(`${text}\n`));
  const ready = (async () => {
    await write(JSON.stringify({ kind, settings, arrays: described }));
    for (const { values } of Object.values(arrays)) {
      await input.write(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    }
  })();
  // Whoever asks first is told.
  ready.catch(() => {});
  const ask = async (command: string): Promise<unknown> => {
    await ready;
    await write(command);
    return JSON.parse(new TextDecoder().decode(await output.line()));
  };
  return {
    async time(calls) {
      return { clock: await ask(`time ${calls}`) as number, gpu: undefined };
    },
    async results() {
      const results: Float32Array[] = [];
      for (const length of await ask("results") as number[]) {
        results.push(new Float32Array((await output.bytes(4 * length)).buffer));
      }
      return results;
    },
    destroy() {
      // It ends where its input does.
      input.close().catch(() => {});
      output.cancel();
    },
  };
}

/** Reads a stream by lines and by numbers of bytes. */
class ByteReader {
  #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #left = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader();
  }

  /** The next line, without its end. */
  async line(): Promise<Uint8Array<ArrayBuffer>> {
    const end = await this.#until(() => {
      const at = this.#left.indexOf(10);
      return at === -1 ? undefined : at;
    });
    const line = this.#left.slice(0, end);
    this.#left = this.#left.subarray(end + 1);
    return line;
  }

  /** The next bytes. */
  async bytes(count: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count;) {
      if (this.#left.length === 0) await this.#more();
      const part = this.#left.subarray(0, count - at);
      bytes.set(part, at);
      at += part.length;
      this.#left = this.#left.subarray(part.length);
    }
    return bytes;
  }

  cancel(): void {
    this.#reader.cancel().catch(() => {});
  }

  async #until(found: () => number | undefined): Promise<number> {
    for (;;) {
      const at = found();
      if (at !== undefined) return at;
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#reader.read();
    if (done) throw new Error("python3 ended before it had answered");
    const joined = new Uint8Array(this.#left.length + value.length);
    joined.set(this.#left);
    joined.set(value, this.#left.length);
    this.#left = joined;
  }
}
