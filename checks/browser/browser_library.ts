/** What the page needs of the kernels, bundled for browsers. */
export { runConformance } from "../../kernels/conformance/mod.ts";
export { requestGpu } from "../../kernels/mod.ts";
