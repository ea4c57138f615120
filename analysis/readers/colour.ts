/** A colour code as an escape byte, or as the text that a JSON log writes for it. */
// deno-lint-ignore no-control-regex
export const COLOUR: RegExp = /(?:\x1b|\\u001b|\\x1b|\\033)\[[0-9;]*m/gi;
