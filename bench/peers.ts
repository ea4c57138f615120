import type { AdapterInfo } from "../kernels/runtime/adapter.ts";
import settings from "../deno.json" with { type: "json" };
import { type Library, NotInstalledError } from "./library.ts";
import { reasonOf } from "./measure.ts";
import type { Work } from "./bench_problem.ts";

/** Another library: its package, and how to load and open it. */
export interface Peer<W = Work> {
  /** As in deno.json; none of a library that a machine has or has not. */
  readonly package?: string;
  /**
   * Called only when the peer is asked for; gives nothing where it is no peer of the adapter.
   *
   * @throws {NotInstalledError} if this machine does not have it.
   */
  readonly open: (adapter: AdapterInfo) => Promise<Library<W> | undefined>;
}

/** Those that run the work of single kernels. */
export const KERNEL_PEERS: Readonly<Record<string, Peer>> = {
  "jax-js": {
    package: "@jax-js/jax",
    open: async () => await (await import("./peers_jax.ts")).openJax(),
  },
  "tfjs": {
    package: "@tensorflow/tfjs-backend-webgpu",
    open: async () => await (await import("./peers_tfjs.ts")).openTfjs(),
  },
  "PyTorch": {
    open: async (adapter) => await (await import("./peers_torch.ts")).openTorch(adapter),
  },
};

/** The peers of a run. */
export interface Peers<W = Work> {
  /** Those that run on the adapter. */
  readonly libraries: ReadonlyMap<string, Library<W>>;
  /** Version of each, running or not. */
  readonly versions: Readonly<Record<string, string>>;
  /** Why the others do not run. */
  readonly reasons: ReadonlyMap<string, string>;
  /** What to do about those that this machine does not have. */
  readonly missing: Readonly<Record<string, string>>;
}

/** Where none are asked for. */
export const NO_PEERS: Peers<never> = {
  libraries: new Map(),
  versions: {},
  reasons: new Map(),
  missing: {},
};

/** Opens the peers on an adapter. */
export async function openPeers<W>(
  adapter: AdapterInfo,
  peers: Readonly<Record<string, Peer<W>>>,
): Promise<Peers<W>> {
  const libraries = new Map<string, Library<W>>();
  const versions: Record<string, string> = {};
  const reasons = new Map<string, string>();
  const missing: Record<string, string> = {};
  for (const [name, peer] of Object.entries(peers)) {
    if (peer.package !== undefined) versions[name] = versionOf(peer.package);
    try {
      const library = await peer.open(adapter);
      if (library === undefined) continue;
      if (library.version !== undefined) versions[name] = library.version;
      if (library.adapter === adapter.name) libraries.set(name, library);
      else {
        reasons.set(name, `it runs on another adapter, ${library.adapter}`);
        library.destroy();
      }
    } catch (error) {
      if (error instanceof NotInstalledError) missing[name] = error.message;
      else reasons.set(name, reasonOf(error));
    }
  }
  return { libraries, versions, reasons, missing };
}

function versionOf(name: string): string {
  const imports: Readonly<Record<string, string>> = settings.imports;
  return imports[name]!.slice(imports[name]!.lastIndexOf("@") + 1);
}
