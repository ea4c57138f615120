import { initWasm, Resvg } from "@resvg/resvg-wasm";
import { join } from "node:path";
import opentype from "opentype.js";
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { UserError } from "../../formats/errors.ts";
import { writeWhole } from "../../formats/write.ts";
import { withMark } from "./mark.ts";
import { legendLayout, theme } from "./theme.ts";

// Exported by Vega but missing from its types.
const { textMetrics } = vega as unknown as {
  textMetrics: { width: (item: TextItem, text: string) => number };
};

/** Pixels per unit of a PNG: 300 units of a column become 900 pixels, 270 per inch. */
const PNG_SCALE = 3;

/** A drawn figure. */
export interface Drawing {
  /** A whole SVG document. */
  readonly svg: string;
  /** The same as a PNG file. */
  readonly png: Uint8Array;
}

/** A Vega-Lite specification (`TopLevelSpec` of the package vega-lite, checked when it is compiled). */
export type FigureSpec = object;

/** The Vega specification that a Vega-Lite one compiles to under the project's theme. */
export function compileFigure(spec: FigureSpec): object {
  const logger = failingLogger((message) =>
    new Error(`the figure's specification is wrong: ${message}`)
  );
  const compiled = compile(spec as TopLevelSpec, { config: theme, logger }).spec;
  const legend = { ...compiled.config?.legend, layout: legendLayout };
  return { ...compiled, config: { ...compiled.config, legend } };
}

/**
 * Draws a Vega-Lite specification with the project's theme. Text is measured and drawn with the same
 * font everywhere, so a figure is the same on every machine.
 *
 * @param name Distinguishes the ids within the SVG from those of other figures on one page; any text.
 * @throws {Error} if Vega-Lite warns about the specification: a figure with a warning is a wrong figure.
 * @throws {UserError} if Vega warns about what is to be drawn, as of values that are all infinite.
 */
export async function drawFigure(name: string, spec: FigureSpec): Promise<Drawing> {
  const fonts = await loadFonts();
  textMetrics.width = (item, text) => measure(fonts, item, text);
  vega.resetSVGDefIds();
  const view = new vega.View(vega.parse(compileFigure(spec) as vega.Spec), { renderer: "none" });
  view.logger(
    failingLogger((message) => new UserError(`the figure ${name} cannot be drawn: ${message}`)),
  );
  let svg: string;
  try {
    svg = withIdsOf(idOf(name), wellFormed(await view.toSVG()));
  } finally {
    view.finalize();
  }
  const resvg = new Resvg(svg, {
    fitTo: { mode: "zoom", value: PNG_SCALE },
    font: { fontBuffers: fonts.files, defaultFontFamily: "Arimo", loadSystemFonts: false },
  });
  try {
    return { svg, png: resvg.render().asPng() };
  } finally {
    resvg.free();
  }
}

/** A text as an id of XML and HTML, of A-Z, a-z, 0-9, _ and - alone: other characters by their number. */
export function idOf(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, (character) => `_${character.codePointAt(0)}_`);
}

/** Names what Vega numbers, in the tags alone: a text may look like an id. */
function withIdsOf(id: string, svg: string): string {
  return svg.replace(
    /<[^>]*>/g,
    (tag) =>
      tag.replace(
        /( [\w-]+=")(url\(#)?((?:clip|gradient)\w*)(?=\)?")/g,
        (whole, start: string, url: string | undefined, given: string) =>
          url === undefined && start !== ' id="' ? whole : `${start}${url ?? ""}${id}-${given}`,
      ),
  );
}

/** What XML cannot hold (control characters, halves of surrogate pairs) is replaced. */
function wellFormed(xml: string): string {
  return xml.toWellFormed().replace(/(?![\t\n\r])\p{Cc}|[\uFFFE\uFFFF]/gu, "\uFFFD");
}

/** Draws a figure and writes `<name>.svg` and `<name>.png` into a folder, each whole or not at all. */
export async function writeFigure(
  folder: string,
  name: string,
  spec: FigureSpec,
): Promise<Drawing> {
  const drawing = await drawFigure(name, spec);
  await writeWhole(join(folder, `${name}.svg`), drawing.svg);
  await writeWhole(join(folder, `${name}.png`), drawing.png);
  return drawing;
}

/**
 * As {@linkcode writeFigure}, with marks by which the files are known again ({@linkcode withMark}), and a comment
 * at the end of the SVG, which says of what it is.
 */
export async function writeMarkedFigure(
  folder: string,
  name: string,
  spec: FigureSpec,
  comment = "",
): Promise<Drawing> {
  const { svg, png } = await drawFigure(name, spec);
  await writeWhole(
    join(folder, `${name}.svg`),
    withMark("svg", new TextEncoder().encode(svg + comment)),
  );
  await writeWhole(join(folder, `${name}.png`), withMark("png", png));
  return { svg, png };
}

/** A logger for which every warning is an error. */
function failingLogger(errorOf: (message: string) => Error): vega.LoggerInterface {
  const fail = (...messages: readonly unknown[]): never => {
    // Vega reports what a warning threw as an error of its own.
    const thrown = messages.find((message) => message instanceof UserError);
    throw thrown ?? errorOf(messages.join(" "));
  };
  const logger: vega.LoggerInterface = {
    level: (level?: number) => level === undefined ? 1 : logger as never,
    error: fail,
    warn: fail,
    info: () => logger,
    debug: () => logger,
  };
  return logger;
}

interface TextItem {
  fontSize?: number;
  fontWeight?: string | number;
}

interface Fonts {
  files: Uint8Array[];
  regular: opentype.Font;
  bold: opentype.Font;
}

let loading: Promise<Fonts> | undefined;

/** The fonts and the PNG renderer, loaded once. */
function loadFonts(): Promise<Fonts> {
  loading ??= (async () => {
    const [wasm, regular, bold] = await Promise.all([
      "@resvg/resvg-wasm/index_bg.wasm",
      "@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf",
      "@expo-google-fonts/arimo/700Bold/Arimo_700Bold.ttf",
    ].map((name) => Deno.readFile(new URL(import.meta.resolve(name)))));
    await initWasm(wasm!);
    const parse = (file: Uint8Array) => opentype.parse(file.slice().buffer);
    return { files: [regular!, bold!], regular: parse(regular!), bold: parse(bold!) };
  })();
  return loading;
}

function measure(fonts: Fonts, item: TextItem, text: string): number {
  const isBold = item.fontWeight === "bold" || Number(item.fontWeight) >= 600;
  return (isBold ? fonts.bold : fonts.regular).getAdvanceWidth(String(text), item.fontSize ?? 11);
}
