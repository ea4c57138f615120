/** Looks at the page of figures as a reader's browser shows it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { visitPage } from "../checks/browser/chromium.ts";
import { withFolder } from "./support.ts";

/** A page as a window of some width shows it. */
export interface InspectedPage {
  /** Width of the document; more than the window's if something overflows. */
  width: number;
  /** What reaches beyond the window, outside of boxes that scroll. */
  overflowing: string[];
  /** Pictures by what they show, whether they are there and how many pixels a unit of them is. */
  pictures: { name: string; isThere: boolean; scale: number }[];
  /** Figures that were drawn anew under the pointer, and what the first point of each then told. */
  told: { name: string; text: string }[];
  /** The heads of sections by their ids, in pixels from the left and from the top of the page. */
  heads: Record<string, { left: number; top: number }>;
  /** The contents' distance from the top of the window at the end of the page. */
  contentsTop: number;
}

/**
 * Opens a page as a file in a frame of some width, points at every figure and scrolls to the end.
 *
 * @throws {AssertionError} if the page writes anything to the console.
 */
export async function inspectPage(
  chromium: string,
  page: string,
  width: number,
): Promise<InspectedPage> {
  let found: InspectedPage | undefined;
  await withFolder(async (folder) => {
    const frame = join(folder, "frame.html");
    await Deno.writeTextFile(frame, frameOf(pathToFileURL(page).href, width));
    const { html, console } = await visitPage(chromium, pathToFileURL(frame).href);
    assert.deepEqual(console, []);
    const [, report] = /<pre id="report">([^<]*)<\/pre>/.exec(html)!;
    assert(report !== "", "the page was not done in time");
    found = JSON.parse(report!.replaceAll("&amp;", "&").replaceAll("&gt;", ">"));
  });
  return found!;
}

function frameOf(address: string, width: number): string {
  return `<!doctype html><meta charset="utf-8"><body style="margin: 0">
<iframe src="${address}" style="border: 0; width: ${width}px; height: 800px"></iframe>
<pre id="report"></pre>
<script>(${inspect})(document.querySelector("iframe"), document.getElementById("report"));</script>`;
}

/** Runs in the browser. */
const inspect = `(frame, report) => frame.onload = async () => {
  const { contentDocument: page, contentWindow: window } = frame;
  const wait = () => new Promise((resolve) => setTimeout(resolve, 50));
  const told = [];
  for (const picture of page.querySelectorAll("[data-live]")) {
    const name = picture.querySelector("img").alt;
    picture.dispatchEvent(new window.PointerEvent("pointerenter"));
    while (picture.dataset.live !== "drawn") await wait();
    const points = picture.querySelectorAll(".role-mark path");
    for (const point of points) {
      const { left, top } = point.getBoundingClientRect();
      const at = { bubbles: true, clientX: left + 1, clientY: top + 1 };
      for (const kind of ["pointerover", "pointermove"]) {
        point.dispatchEvent(new window.PointerEvent(kind, at));
      }
      if (!page.getElementById("pointed").hidden) break;
    }
    const box = page.getElementById("pointed");
    told.push({ name, text: box.hidden ? "" : box.innerText });
    box.hidden = true;
  }
  await Promise.all(Array.from(page.images, (image) => image.decode().catch(() => {})));
  const pictures = Array.from(page.querySelectorAll(".picture > *:not(script)"), (picture) => {
    const natural = Number(picture.getAttribute("width"));
    return {
      name: picture.getAttribute("alt") ?? picture.getAttribute("aria-label"),
      isThere: picture.tagName === "svg" || picture.naturalWidth > 0,
      scale: picture.getBoundingClientRect().width / natural,
    };
  });
  const heads = Object.fromEntries(Array.from(page.querySelectorAll("section"), ({ id, firstElementChild }) => {
    const { left, top } = firstElementChild.getBoundingClientRect();
    return [id, { left, top: top + window.scrollY }];
  }));
  const scrolls = (element) => element !== null &&
    (/auto|scroll/.test(window.getComputedStyle(element).overflowX) || scrolls(element.parentElement));
  const overflowing = Array.from(page.body.querySelectorAll("*")).filter((element) =>
    element.getClientRects().length > 0 && !scrolls(element.parentElement) &&
    element.getBoundingClientRect().right > window.innerWidth + 0.5
  ).map((element) => element.outerHTML.slice(0, 200));
  window.scrollTo(0, page.documentElement.scrollHeight);
  await wait();
  report.textContent = JSON.stringify({
    width: page.documentElement.scrollWidth,
    overflowing: overflowing.map((text) => text.replaceAll("<", "(")),
    pictures,
    told,
    heads,
    contentsTop: page.querySelector("nav").getBoundingClientRect().top,
  });
}`;
