import { htmlText } from "../../formats/html.ts";

/** The look of every page. */
export const PAGE_STYLE = `
  :root { color-scheme: light; }
  body { font: 16px/1.5 Arimo, Arial, "Liberation Sans", Helvetica, sans-serif; color: #222;
    max-width: 60rem; margin: 2rem auto; padding: 0 1rem; background: white; }
  h1 { font-size: 1.6rem; line-height: 1.25; }
  h2 { font-size: 1.15rem; margin: 3rem 0 .5rem; }
  nav a { margin-right: 1em; white-space: nowrap; }
  a { color: #0072B2; }
  figure { margin: 0; }
  figure > svg { max-width: 100%; height: auto; display: block; margin-left: -12px; }
  figcaption { max-width: 46rem; }
  .source { color: #555; font-size: .85rem; margin: .4rem 0 .8rem; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; font-size: .88rem; }
  th, td { text-align: left; vertical-align: top; padding: .3rem 1rem .3rem 0; border-top: 1px solid #ddd; }
  thead th { border-top: 0; border-bottom: 1px solid #444; }
  td { font-variant-numeric: tabular-nums; }
`;

/** An SVG to stand in a page, half as large again, with a text for those who do not see it. */
export function labelled(svg: string, text: string): string {
  return svg.replace(
    /<svg (.*?)width="(\d+)" height="\d+"/,
    (_, rest, width) =>
      `<svg role="img" aria-label="${htmlText(text)}" ${rest}style="width:${
        1.5 * Number(width)
      }px"`,
  );
}
