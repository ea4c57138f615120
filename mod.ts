/**
 * The entropy mechanism of RL for reasoning language models (arXiv 2505.22617): training logs in, the
 * law R = −a·exp(H) + b, its uncertainty, diagnosis and figures out; and the mechanism itself as WebGPU
 * kernels.
 *
 * @module
 */
export * from "./analysis/mod.ts";
export * from "./kernels/mod.ts";
